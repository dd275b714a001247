// The blocks of TensorFlow's allocator on the processor, with their sizes. These definitions come before the library's in the order in
// which symbols are looked up, since tsl/platform/default/port.cc returns 0 for a block's size: the allocator's statistics would count
// blocks without bytes.

#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <mutex>
#include <unordered_map>

namespace {

struct Block {
  void *start;
  std::size_t size;
};

/** Bytes of large blocks. */
struct Held {
  std::size_t in_use = 0, kept = 0, most = 0;
};

/**
 * Gives blocks out and takes them back. Large ones that come back are kept for the next of their size: a step makes and drops the
 * same buffers of hundreds of megabytes as the one before it, and of a fresh one each page costs a fault. Those in use and those kept are
 * never more than were in use at one time, so that a process does not grow by it.
 */
class Blocks {
 public:
  void *Take(std::size_t size, std::size_t alignment) {
    const std::lock_guard<std::mutex> guard(lock_);
    void *start = size >= kLarge ? TakeKept(size, alignment) : nullptr;
    if (start == nullptr && posix_memalign(&start, std::max(alignment, sizeof(void *)), size) != 0) return nullptr;
    sizes_[start] = size;
    return start;
  }

  void Give(void *start) {
    const std::lock_guard<std::mutex> guard(lock_);
    const auto found = sizes_.find(start);
    const std::size_t size = found == sizes_.end() ? 0 : found->second;
    if (found != sizes_.end()) sizes_.erase(found);
    if (size < kLarge) {
      free(start);
      return;
    }
    held_.in_use -= size;
    kept_.push_front({start, size});
    held_.kept += size;
  }

  /** Bytes that were asked for. */
  std::size_t SizeOf(const void *start) {
    const std::lock_guard<std::mutex> guard(lock_);
    const auto found = sizes_.find(start);
    return found == sizes_.end() ? malloc_usable_size(const_cast<void *>(start)) : found->second;
  }

  Held Count() {
    const std::lock_guard<std::mutex> guard(lock_);
    return held_;
  }

 private:
  static constexpr std::size_t kLarge = std::size_t{1} << 20;

  /** A kept block of this size; null where there is none, and then room for a fresh one. */
  void *TakeKept(std::size_t size, std::size_t alignment) {
    held_.in_use += size;
    held_.most = std::max(held_.most, held_.in_use);
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Block &b) {
      return b.size == size && reinterpret_cast<std::uintptr_t>(b.start) % alignment == 0;
    });
    void *start = nullptr;
    if (found != kept_.end()) {
      start = found->start;
      held_.kept -= size;
      kept_.erase(found);
    }
    while (held_.in_use + held_.kept > held_.most && !kept_.empty()) {
      free(kept_.back().start);
      held_.kept -= kept_.back().size;
      kept_.pop_back();
    }
    return start;
  }

  std::mutex lock_;
  std::unordered_map<const void *, std::size_t> sizes_;
  /** The last one that came back stands first. */
  std::list<Block> kept_;
  Held held_;
};

/** Lives as long as the process: TensorFlow's own threads give blocks back while it ends. */
Blocks &TheBlocks() {
  static auto *blocks = new Blocks();
  return *blocks;
}

}  // namespace

// The functions bear the names that the library's code calls, in the signatures of 2.13 and of 2.21: whose headers are included
// declares only one of the two.
#define AS(name) __asm__(name)

void *MallocByInt(std::size_t size, int alignment) AS("_ZN3tsl4port13AlignedMallocEmi");
void *MallocByAlign(std::size_t size, std::size_t alignment) AS("_ZN3tsl4port13AlignedMallocEmSt11align_val_t");
void FreeBlock(void *block) AS("_ZN3tsl4port11AlignedFreeEPv");
void FreeSized(void *block, std::size_t, std::size_t) AS("_ZN3tsl4port16AlignedSizedFreeEPvmm");
void FreeSizedByAlign(void *block, std::size_t, std::size_t) AS("_ZN3tsl4port16AlignedSizedFreeEPvmSt11align_val_t");
std::size_t SizeOfBlock(const void *block) AS("_ZN3tsl4port32MallocExtension_GetAllocatedSizeEPKv");

void *MallocByAlign(std::size_t size, std::size_t alignment) { return TheBlocks().Take(size, alignment); }
void *MallocByInt(std::size_t size, int alignment) { return MallocByAlign(size, alignment); }
void FreeBlock(void *block) { TheBlocks().Give(block); }
void FreeSized(void *block, std::size_t, std::size_t) { FreeBlock(block); }
void FreeSizedByAlign(void *block, std::size_t, std::size_t) { FreeBlock(block); }
std::size_t SizeOfBlock(const void *block) { return TheBlocks().SizeOf(block); }

// Loops over tensors' own bytes that TensorFlow has no kernel for: in place, on TensorFlow's threads, without a tensor of their own.
// Arithmetic is that of the same loop in TypeScript, operation by operation: the build keeps multiplications and additions apart.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/core/framework/device.h"
#include "tensorflow/core/platform/threadpool.h"

// One body for each width of vectors, of which the loader takes the widest that the processor has.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define TIDEMARK_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TIDEMARK_CLONES
#endif

namespace tfnodejs {
namespace loops {

/** A tensor's elements. */
struct Buffer {
  float *data;
  int64_t length;
};

/** What one call of a loop is given (engines/loop.ts). */
struct Call {
  std::vector<Buffer> buffers;
  std::vector<int64_t> whole;
  std::vector<double> real;
  tensorflow::Device *device;
};

/** Calls `body(first, end)` on parts of `0 … count`; `cycles` is what one of them takes, by which parts are made long enough. */
inline void Parallel(const Call &call, int64_t count, int64_t cycles, const std::function<void(int64_t, int64_t)> &body) {
  const auto *workers = call.device->tensorflow_cpu_worker_threads();
  if (workers == nullptr || workers->workers == nullptr) body(0, count);
  else workers->workers->ParallelFor(count, cycles, body);
}

/** planner/execute/optimizers/adamw.ts */
TIDEMARK_CLONES inline void StepAdamW(float *__restrict p, float *__restrict m, float *__restrict v, const float *__restrict g,
                                      int64_t count, const double *r) {
  const double first = r[0], decay = r[1], second = r[2], keep = r[3], size = r[4], root = r[5], eps = r[6];
  for (int64_t i = 0; i < count; i++) {
    const double slope = g[i];
    const double mean = m[i] + first * (slope - m[i]);
    const double square = decay * v[i] + second * slope * slope;
    m[i] = static_cast<float>(mean);
    v[i] = static_cast<float>(square);
    p[i] = static_cast<float>(p[i] * keep - (size * mean) / (std::sqrt(square) / root + eps));
  }
}

inline void AdamW(const Call &call) {
  const auto &b = call.buffers;
  Parallel(call, b[0].length, 20, [&](int64_t first, int64_t end) {
    StepAdamW(b[0].data + first, b[1].data + first, b[2].data + first, b[3].data + first, end - first, call.real.data());
  });
}

/** Rows and columns of a block whose lines stay in the first-level cache. */
constexpr int64_t kBlock = 32;

/** Columns `first … end` of a matrix as rows of its transpose. */
TIDEMARK_CLONES inline void Transpose(const float *__restrict from, float *__restrict to, int64_t rows, int64_t columns,
                                      int64_t first, int64_t end) {
  for (int64_t j0 = first; j0 < end; j0 += kBlock) {
    const int64_t j1 = j0 + kBlock < end ? j0 + kBlock : end;
    for (int64_t i0 = 0; i0 < rows; i0 += kBlock) {
      const int64_t i1 = i0 + kBlock < rows ? i0 + kBlock : rows;
      for (int64_t j = j0; j < j1; j++) {
        for (int64_t i = i0; i < i1; i++) to[j * rows + i] = from[i * columns + j];
      }
    }
  }
}

/** Turns a matrix of `whole[0]` rows and `whole[1]` columns where it lies, by a copy outside TensorFlow's allocators. */
inline void Turn(const Call &call) {
  const auto [data, length] = call.buffers[0];
  const int64_t rows = call.whole[0], columns = call.whole[1];
  if (rows * columns != length) throw std::invalid_argument("the matrix is not as long as the tensor");
  const std::unique_ptr<void, decltype(&FreeBlock)> copy(MallocByAlign(length * sizeof(float), 64), FreeBlock);
  if (!copy) throw std::bad_alloc();
  float *const from = static_cast<float *>(copy.get());
  Parallel(call, length, 1, [&](int64_t first, int64_t end) {
    std::memcpy(from + first, data + first, (end - first) * sizeof(float));
  });
  Parallel(call, columns, 2 * rows, [&](int64_t first, int64_t end) { Transpose(from, data, rows, columns, first, end); });
}

struct Loop {
  void (*run)(const Call &);
  /** How many buffers, all of one length, and how many numbers it reads. */
  size_t buffers, whole, real;
};

/** By the names that engines/loop.ts gives them. */
inline const std::map<std::string, Loop> &Table() {
  static const auto *table = new std::map<std::string, Loop>{
      {"adamw", {AdamW, 4, 0, 7}},
      {"turn", {Turn, 1, 2, 0}},
  };
  return *table;
}

}  // namespace loops
}  // namespace tfnodejs

// What tidemark adds to tfjs-node's binding: where each tensor's bytes lie and what TensorFlow's allocators count. Compiled together
// with the npm package's own sources (see ../compile.ts), whose module initializer it calls and extends.

#include <malloc.h>
#include <node_api.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

// The package's initializer is static and registers itself by this macro: it stays silent, the one below registers both.
#undef NAPI_MODULE
#define NAPI_MODULE(name, init)

// Handles and context are private members; the class is layout-compatible either way.
#define private public
#include "tfjs_backend.h"
#undef private
#include "tfjs_binding.cc"

#include "tensorflow/c/eager/c_api_experimental.h"
#include "tensorflow/c/eager/immediate_execution_context.h"
#include "tensorflow/c/eager/tfe_context_internal.h"
#include "tensorflow/c/eager/tfe_tensorhandle_internal.h"
#include "tensorflow/core/common_runtime/eager/context.h"
#include "tensorflow/core/common_runtime/eager/tensor_handle.h"
#include "tensorflow/core/framework/allocator.h"
#include "tensorflow/core/framework/device.h"

namespace tsl {
void EnableCPUAllocatorStats();
}

// tsl/platform/default/port.cc returns 0 for a block's size, so the CPU allocator's statistics would count blocks without bytes. These
// definitions come before the library's in the order in which symbols are looked up. Blocks are the same as the library's own.
namespace {
std::mutex sizes_lock;
std::unordered_map<const void *, std::size_t> &Sizes() {
  static auto *sizes = new std::unordered_map<const void *, std::size_t>();
  return *sizes;
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

void *MallocByAlign(std::size_t size, std::size_t alignment) {
  void *block = nullptr;
  if (posix_memalign(&block, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0) return nullptr;
  std::lock_guard<std::mutex> guard(sizes_lock);
  Sizes()[block] = size;
  return block;
}

void *MallocByInt(std::size_t size, int alignment) { return MallocByAlign(size, alignment); }

void FreeBlock(void *block) {
  {
    std::lock_guard<std::mutex> guard(sizes_lock);
    Sizes().erase(block);
  }
  free(block);
}

void FreeSized(void *block, std::size_t, std::size_t) { FreeBlock(block); }
void FreeSizedByAlign(void *block, std::size_t, std::size_t) { FreeBlock(block); }

/** Bytes that were asked for. */
std::size_t SizeOfBlock(const void *block) {
  std::lock_guard<std::mutex> guard(sizes_lock);
  const auto found = Sizes().find(block);
  return found == Sizes().end() ? malloc_usable_size(const_cast<void *>(block)) : found->second;
}

namespace tfnodejs {
namespace {

TFE_TensorHandle *HandleOf(napi_env env, TFJSBackend *backend, napi_value id_value) {
  int32_t id;
  if (napi_get_value_int32(env, id_value, &id) != napi_ok) return nullptr;
  const auto found = backend->tfe_handle_map_.find(id);
  return found == backend->tfe_handle_map_.end() ? nullptr : found->second;
}

bool Arguments(napi_env env, napi_callback_info info, size_t count, napi_value *args) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, args, nullptr, nullptr) == napi_ok && given >= count) return true;
  napi_throw_error(env, nullptr, "too few arguments");
  return false;
}

bool ShapeOf(napi_env env, napi_value value, std::vector<int64_t> *shape) {
  uint32_t rank = 0;
  if (napi_get_array_length(env, value, &rank) != napi_ok) return false;
  for (uint32_t i = 0; i < rank; i++) {
    napi_value element;
    int64_t size;
    if (napi_get_element(env, value, i, &element) != napi_ok) return false;
    if (napi_get_value_int64(env, element, &size) != napi_ok) return false;
    shape->push_back(size);
  }
  return true;
}

napi_value Entered(napi_env env, TFJSBackend *backend, TF_Tensor *tensor) {
  TF_AutoStatus status;
  TFE_TensorHandle *handle = TFE_NewTensorHandle(tensor, status.status);
  TF_DeleteTensor(tensor);
  ENSURE_TF_OK_RETVAL(env, status, nullptr);
  napi_value id;
  napi_create_int32(env, backend->InsertHandle(handle), &id);
  return id;
}

tensorflow::EagerContext *ContextOf(TFJSBackend *backend) {
  return tensorflow::ContextFromInterface(tensorflow::unwrap(backend->tfe_context_));
}

/** Where the binding puts a tensor of this type: int32 stays with the host, as TensorFlow's kernels want it. */
tensorflow::Device *DeviceFor(TFJSBackend *backend, TF_DataType dtype) {
  tensorflow::Device *host = nullptr;
  for (tensorflow::Device *device : ContextOf(backend)->ListLocalTfDevices()) {
    if (device->device_type() == "GPU" && backend->is_gpu_device && dtype != TF_INT32) return device;
    if (device->device_type() == "CPU") host = device;
  }
  return host;
}

napi_value OutOfMemory(napi_env env) {
  napi_throw_error(env, "out-of-memory", "TensorFlow's allocator has no memory left");
  return nullptr;
}

/** allocateTensor(shape, dtype) → id, from the allocator of the device that computes; zeros where that is the host. */
napi_value AllocateTensor(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!Arguments(env, info, 2, args)) return nullptr;
  std::vector<int64_t> shape;
  int32_t dtype;
  if (!ShapeOf(env, args[0], &shape) || napi_get_value_int32(env, args[1], &dtype) != napi_ok) {
    napi_throw_error(env, nullptr, "allocateTensor takes a shape and a type");
    return nullptr;
  }
  TFJSBackend *backend = GetTFJSBackend(env);
  tensorflow::Device *device = DeviceFor(backend, static_cast<TF_DataType>(dtype));
  if (device->device_type() == "CPU") {
    size_t bytes = TF_DataTypeSize(static_cast<TF_DataType>(dtype));
    for (int64_t size : shape) bytes *= size;
    TF_Tensor *tensor = TF_AllocateTensor(static_cast<TF_DataType>(dtype), shape.data(), shape.size(), bytes);
    if (tensor == nullptr || (bytes > 0 && TF_TensorData(tensor) == nullptr)) return OutOfMemory(env);
    if (bytes > 0) memset(TF_TensorData(tensor), 0, bytes);
    return Entered(env, backend, tensor);
  }
  tensorflow::TensorShape dimensions;
  for (int64_t size : shape) dimensions.AddDim(size);
  tensorflow::Tensor tensor(device->GetAllocator(tensorflow::AllocatorAttributes()),
                            static_cast<tensorflow::DataType>(dtype), dimensions);
  if (!tensor.IsInitialized()) return OutOfMemory(env);
  tensorflow::TensorHandle *handle =
      tensorflow::TensorHandle::CreateLocalHandle(std::move(tensor), device, device, ContextOf(backend));
  napi_value id;
  napi_create_int32(env, backend->InsertHandle(tensorflow::wrap(handle)), &id);
  return id;
}

/** tensorWrite(id, Uint8Array): writes the tensor's bytes where they lie, without another tensor on the device. */
napi_value TensorWrite(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!Arguments(env, info, 2, args)) return nullptr;
  TFJSBackend *backend = GetTFJSBackend(env);
  TFE_TensorHandle *handle = HandleOf(env, backend, args[0]);
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (handle == nullptr ||
      napi_get_typedarray_info(env, args[1], &type, &length, &data, nullptr, nullptr) != napi_ok) {
    napi_throw_error(env, nullptr, "tensorWrite takes an id and bytes");
    return nullptr;
  }
  tensorflow::TensorHandle *inner = tensorflow::TensorHandleFromInterface(tensorflow::unwrap(handle));
  const tensorflow::Tensor *tensor = nullptr;
  if (!inner->Tensor(&tensor).ok() || tensor->TotalBytes() != length) {
    napi_throw_error(env, nullptr, "the array is not as long as the tensor");
    return nullptr;
  }
  tensorflow::Device *device = inner->DeviceOrHostCPU(*ContextOf(backend));
  if (device->device_type() == "CPU") {
    memcpy(tensor->data(), data, tensor->TotalBytes());
    return nullptr;
  }
  tensorflow::Tensor source(tensor->dtype(), tensor->shape());
  memcpy(source.data(), data, source.TotalBytes());
  const auto copied = device->tensorflow_accelerator_device_info()->default_context->CopyCPUTensorToDeviceSync(
      &source, device, const_cast<tensorflow::Tensor *>(tensor));
  if (!copied.ok()) napi_throw_error(env, nullptr, "the device took no copy");
  return nullptr;
}

/** argumentTensor(shape, dtype, typed array) → id of a copy outside TensorFlow's allocators: an operation's axes, no tensor of a step. */
napi_value ArgumentTensor(napi_env env, napi_callback_info info) {
  napi_value args[3];
  if (!Arguments(env, info, 3, args)) return nullptr;
  std::vector<int64_t> shape;
  int32_t dtype;
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (!ShapeOf(env, args[0], &shape) || napi_get_value_int32(env, args[1], &dtype) != napi_ok ||
      napi_get_typedarray_info(env, args[2], &type, &length, &data, nullptr, nullptr) != napi_ok) {
    napi_throw_error(env, nullptr, "argumentTensor takes a shape, a type and a typed array");
    return nullptr;
  }
  const size_t bytes = length * TF_DataTypeSize(static_cast<TF_DataType>(dtype));
  void *copy = nullptr;
  // Aligned as Eigen wants it: else TensorFlow copies the values into a block of its own.
  if (posix_memalign(&copy, 64, bytes > 0 ? bytes : 64) != 0) return nullptr;
  memcpy(copy, data, bytes);
  TF_Tensor *tensor = TF_NewTensor(
      static_cast<TF_DataType>(dtype), shape.data(), shape.size(), copy, bytes,
      [](void *block, size_t, void *) { free(block); }, nullptr);
  return Entered(env, GetTFJSBackend(env), tensor);
}

/** tensorAddress(id) → where its first byte lies, on its device; 0 where it has none. */
napi_value TensorAddress(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!Arguments(env, info, 1, args)) return nullptr;
  TFE_TensorHandle *handle = HandleOf(env, GetTFJSBackend(env), args[0]);
  if (handle == nullptr) {
    napi_throw_error(env, nullptr, "no tensor has this id");
    return nullptr;
  }
  TF_AutoStatus status;
  void *address = TFE_TensorHandleDevicePointer(handle, status.status);
  ENSURE_TF_OK_RETVAL(env, status, nullptr);
  napi_value result;
  napi_create_double(env, static_cast<double>(reinterpret_cast<uintptr_t>(address)), &result);
  return result;
}

/** tensorView(id, bytes) → the tensor's bytes themselves. Only where they lie in the host's memory. */
napi_value TensorView(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!Arguments(env, info, 2, args)) return nullptr;
  TFE_TensorHandle *handle = HandleOf(env, GetTFJSBackend(env), args[0]);
  int64_t bytes;
  if (handle == nullptr || napi_get_value_int64(env, args[1], &bytes) != napi_ok) {
    napi_throw_error(env, nullptr, "no tensor has this id");
    return nullptr;
  }
  TF_AutoStatus status;
  const char *device = TFE_TensorHandleBackingDeviceName(handle, status.status);
  ENSURE_TF_OK_RETVAL(env, status, nullptr);
  if (strstr(device, "CPU") == nullptr) {
    napi_throw_error(env, "not-on-host", "the tensor lies on a device");
    return nullptr;
  }
  void *address = TFE_TensorHandleDevicePointer(handle, status.status);
  ENSURE_TF_OK_RETVAL(env, status, nullptr);
  napi_value result;
  const napi_status made = napi_create_external_arraybuffer(env, address, bytes, nullptr, nullptr, &result);
  if (made != napi_ok) {
    napi_throw_error(env, nullptr, "this node does not show memory outside its heap");
    return nullptr;
  }
  return result;
}

size_t BytesOf(TFE_TensorHandle *handle) {
  TF_AutoStatus status;
  const int64_t elements = TFE_TensorHandleNumElements(handle, status.status);
  return elements * TF_DataTypeSize(TFE_TensorHandleDataType(handle));
}

/** sharesMemory(id, ids) → whether a byte of the one is one of the others'. */
napi_value SharesMemory(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!Arguments(env, info, 2, args)) return nullptr;
  TFJSBackend *backend = GetTFJSBackend(env);
  TFE_TensorHandle *handle = HandleOf(env, backend, args[0]);
  uint32_t count = 0;
  napi_get_array_length(env, args[1], &count);
  bool shared = false;
  TF_AutoStatus status;
  if (handle != nullptr && BytesOf(handle) > 0) {
    const char *first = static_cast<const char *>(TFE_TensorHandleDevicePointer(handle, status.status));
    for (uint32_t i = 0; i < count; i++) {
      napi_value element;
      napi_get_element(env, args[1], i, &element);
      TFE_TensorHandle *other = HandleOf(env, backend, element);
      if (other == nullptr || BytesOf(other) == 0) continue;
      const char *start = static_cast<const char *>(TFE_TensorHandleDevicePointer(other, status.status));
      if (first < start + BytesOf(other) && start < first + BytesOf(handle)) shared = true;
    }
  }
  napi_value result;
  napi_get_boolean(env, shared, &result);
  return result;
}

std::vector<tensorflow::Device *> Devices(TFJSBackend *backend) {
  return ContextOf(backend)->ListLocalTfDevices();
}

void Set(napi_env env, napi_value object, const char *name, const std::string &text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  napi_set_named_property(env, object, name, value);
}

void Set(napi_env env, napi_value object, const char *name, int64_t number) {
  napi_value value;
  napi_create_int64(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

/** allocatorStatistics() → what each device's allocator counts: {device, allocator, bytesInUse, peakBytesInUse, bytesReserved, allocations}. */
napi_value AllocatorStatistics(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_array(env, &result);
  uint32_t at = 0;
  for (tensorflow::Device *device : Devices(GetTFJSBackend(env))) {
    tensorflow::Allocator *allocator = device->GetAllocator(tensorflow::AllocatorAttributes());
    const auto statistics = allocator->GetStats();
    if (!statistics) continue;
    napi_value entry;
    napi_create_object(env, &entry);
    Set(env, entry, "device", device->name());
    Set(env, entry, "type", device->device_type());
    Set(env, entry, "description", device->attributes().physical_device_desc());
    Set(env, entry, "limit", static_cast<int64_t>(device->attributes().memory_limit()));
    Set(env, entry, "allocator", allocator->Name());
    Set(env, entry, "bytesInUse", statistics->bytes_in_use);
    Set(env, entry, "peakBytesInUse", statistics->peak_bytes_in_use);
    Set(env, entry, "bytesReserved", statistics->pool_bytes.value_or(statistics->bytes_reserved));
    Set(env, entry, "allocations", statistics->num_allocs);
    napi_set_element(env, result, at++, entry);
  }
  return result;
}

/** clearAllocatorStatistics(): the peak is counted anew from what is in use. */
napi_value ClearAllocatorStatistics(napi_env env, napi_callback_info) {
  for (tensorflow::Device *device : Devices(GetTFJSBackend(env))) {
    device->GetAllocator(tensorflow::AllocatorAttributes())->ClearStats();
  }
  return nullptr;
}

}  // namespace

static napi_value Init(napi_env env, napi_value exports) {
  // Before the context exists: its allocators decide then whether they count.
  tsl::EnableCPUAllocatorStats();
  if (InitTFNodeJSBinding(env, exports) == nullptr) return nullptr;
  const napi_property_descriptor added[] = {
      {"allocateTensor", nullptr, AllocateTensor, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"argumentTensor", nullptr, ArgumentTensor, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"tensorWrite", nullptr, TensorWrite, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"tensorAddress", nullptr, TensorAddress, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"tensorView", nullptr, TensorView, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"sharesMemory", nullptr, SharesMemory, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"allocatorStatistics", nullptr, AllocatorStatistics, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"clearAllocatorStatistics", nullptr, ClearAllocatorStatistics, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, sizeof(added) / sizeof(added[0]), added);
  return exports;
}

}  // namespace tfnodejs

NAPI_MODULE_INIT() { return tfnodejs::Init(env, exports); }

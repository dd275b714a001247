// What tidemark adds to tfjs-node's binding: where each tensor's bytes lie, what TensorFlow's allocators count (blocks.h), and loops
// over tensors (loops.h). Compiled together with the npm package's own sources (cli/tensorflow/compile.ts), whose module initializer it calls and
// extends.

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

#include "blocks.h"
#include "loops.h"

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

/** aliasTensor(id, shape) → id of another handle over the same bytes, without an operation. */
napi_value AliasTensor(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!Arguments(env, info, 2, args)) return nullptr;
  TFJSBackend *backend = GetTFJSBackend(env);
  TFE_TensorHandle *handle = HandleOf(env, backend, args[0]);
  std::vector<int64_t> shape;
  if (handle == nullptr || !ShapeOf(env, args[1], &shape)) {
    napi_throw_error(env, nullptr, "aliasTensor takes an id and a shape");
    return nullptr;
  }
  tensorflow::TensorShape dimensions;
  for (int64_t size : shape) dimensions.AddDim(size);
  tensorflow::TensorHandle *inner = tensorflow::TensorHandleFromInterface(tensorflow::unwrap(handle));
  const tensorflow::Tensor *tensor = nullptr;
  tensorflow::Tensor alias;
  if (!inner->Tensor(&tensor).ok() || !alias.CopyFrom(*tensor, dimensions)) {
    napi_throw_error(env, nullptr, "the shape has another number of elements");
    return nullptr;
  }
  tensorflow::TensorHandle *made =
      tensorflow::TensorHandle::CreateLocalHandle(std::move(alias), inner->device(), inner->op_device(), ContextOf(backend));
  napi_value id;
  napi_create_int32(env, backend->InsertHandle(tensorflow::wrap(made)), &id);
  return id;
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

/** heldBlocks() → bytes of the large blocks in use, kept for the next of their size, and the most that were in use (blocks.h). */
napi_value HeldBlocks(napi_env env, napi_callback_info) {
  const auto held = TheBlocks().Count();
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "inUse", static_cast<int64_t>(held.in_use));
  Set(env, result, "kept", static_cast<int64_t>(held.kept));
  Set(env, result, "most", static_cast<int64_t>(held.most));
  return result;
}

bool NumbersOf(napi_env env, napi_value value, std::vector<double> *numbers) {
  uint32_t length = 0;
  if (napi_get_array_length(env, value, &length) != napi_ok) return false;
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    double number;
    if (napi_get_element(env, value, i, &element) != napi_ok) return false;
    if (napi_get_value_double(env, element, &number) != napi_ok) return false;
    numbers->push_back(number);
  }
  return true;
}

/** runLoop(name, ids, whole numbers, real numbers): a loop of loops.h over tensors in the host's memory. */
napi_value RunLoop(napi_env env, napi_callback_info info) {
  napi_value args[4];
  if (!Arguments(env, info, 4, args)) return nullptr;
  TFJSBackend *backend = GetTFJSBackend(env);
  char name[32];
  size_t length = 0;
  std::vector<double> ids, whole;
  loops::Call call;
  if (napi_get_value_string_utf8(env, args[0], name, sizeof(name), &length) != napi_ok || !NumbersOf(env, args[1], &ids) ||
      !NumbersOf(env, args[2], &whole) || !NumbersOf(env, args[3], &call.real)) {
    napi_throw_error(env, nullptr, "runLoop takes a name, ids and two lists of numbers");
    return nullptr;
  }
  call.whole.assign(whole.begin(), whole.end());
  call.device = DeviceFor(backend, TF_INT32);
  TF_AutoStatus status;
  for (const double id : ids) {
    const auto found = backend->tfe_handle_map_.find(static_cast<int32_t>(id));
    if (found == backend->tfe_handle_map_.end() || TFE_TensorHandleDataType(found->second) != TF_FLOAT) {
      napi_throw_error(env, nullptr, "a loop runs over float32 tensors that are there");
      return nullptr;
    }
    const int64_t elements = TFE_TensorHandleNumElements(found->second, status.status);
    ENSURE_TF_OK_RETVAL(env, status, nullptr);
    float *data = static_cast<float *>(TFE_TensorHandleDevicePointer(found->second, status.status));
    ENSURE_TF_OK_RETVAL(env, status, nullptr);
    call.buffers.push_back({data, elements});
  }
  const auto found = loops::Table().find(name);
  bool fits = found != loops::Table().end() && call.buffers.size() == found->second.buffers &&
              call.whole.size() == found->second.whole && call.real.size() == found->second.real;
  for (const auto &buffer : call.buffers) fits = fits && buffer.length == call.buffers[0].length;
  if (!fits) {
    napi_throw_error(env, nullptr, "no loop of this name takes these tensors and numbers");
    return nullptr;
  }
  try {
    found->second.run(call);
  } catch (const std::bad_alloc &) {
    return OutOfMemory(env);
  } catch (const std::invalid_argument &error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

napi_value NamesOfLoops(napi_env env) {
  napi_value names;
  napi_create_array(env, &names);
  uint32_t at = 0;
  for (const auto &entry : loops::Table()) {
    napi_value name;
    napi_create_string_utf8(env, entry.first.data(), entry.first.size(), &name);
    napi_set_element(env, names, at++, name);
  }
  return names;
}

}  // namespace

static napi_value Init(napi_env env, napi_value exports) {
  // Before the context exists: its allocators decide then whether they count.
  tsl::EnableCPUAllocatorStats();
  if (InitTFNodeJSBinding(env, exports) == nullptr) return nullptr;
  const napi_property_descriptor added[] = {
      {"allocateTensor", nullptr, AllocateTensor, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"aliasTensor", nullptr, AliasTensor, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"argumentTensor", nullptr, ArgumentTensor, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"tensorWrite", nullptr, TensorWrite, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"tensorAddress", nullptr, TensorAddress, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"tensorView", nullptr, TensorView, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"sharesMemory", nullptr, SharesMemory, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"allocatorStatistics", nullptr, AllocatorStatistics, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"clearAllocatorStatistics", nullptr, ClearAllocatorStatistics, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"heldBlocks", nullptr, HeldBlocks, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"runLoop", nullptr, RunLoop, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"loops", nullptr, nullptr, nullptr, nullptr, NamesOfLoops(env), napi_default, nullptr},
  };
  napi_define_properties(env, exports, sizeof(added) / sizeof(added[0]), added);
  return exports;
}

}  // namespace tfnodejs

NAPI_MODULE_INIT() { return tfnodejs::Init(env, exports); }

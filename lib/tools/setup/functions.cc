// What compiled steps (lib/tensor/compile) need and tfjs-node's binding lacks: registering a TensorFlow function in
// the eager context that all of the binding's tensors live in, and running it on tensors by their ids.
//
// This file takes the place of the package's tfjs_binding.cc in the build: it includes it whole, keeps its module
// initialiser from registering itself, and registers one that adds the functions below to the exports.
#include <node_api.h>
#undef NAPI_MODULE
#define NAPI_MODULE(name, init)
#include "binding/tfjs_binding.cc"

#include <string>
#include <unordered_map>
#include <vector>

#include "binding/tf_auto_status.h"
#include "binding/tfe_auto_op.h"

namespace {

using tfnodejs::TFJSBackend;

// The backend's context and its map of tensors are private. An explicit instantiation may name private members
// ([temp.explicit]), so they are reached without changing the package's header.
template <typename Tag, typename Tag::type Member>
struct Expose {
  friend typename Tag::type get(Tag) { return Member; }
};
struct Context {
  using type = TFE_Context* TFJSBackend::*;
  friend type get(Context);
};
struct Handles {
  using type = std::unordered_map<int32_t, TFE_TensorHandle*> TFJSBackend::*;
  friend type get(Handles);
};
struct NextId {
  using type = int32_t TFJSBackend::*;
  friend type get(NextId);
};
template struct Expose<Context, &TFJSBackend::tfe_context_>;
template struct Expose<Handles, &TFJSBackend::tfe_handle_map_>;
template struct Expose<NextId, &TFJSBackend::next_tensor_id_>;

TFJSBackend* Backend(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<TFJSBackend*>(data);
}

TFE_Context* ContextOf(napi_env env) { return Backend(env)->*get(Context()); }

std::unordered_map<int32_t, TFE_TensorHandle*>& HandlesOf(napi_env env) {
  return Backend(env)->*get(Handles());
}

// True if all went well; otherwise a JavaScript error is pending, which is thrown on return.
bool Ok(napi_env env, TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) return true;
  napi_throw_error(env, nullptr, TF_Message(status));
  return false;
}

// The tensor of an id; null, with an error pending, where there is none.
TFE_TensorHandle* Handle(napi_env env, int32_t id) {
  auto& handles = HandlesOf(env);
  auto found = handles.find(id);
  if (found != handles.end()) return found->second;
  napi_throw_error(env, nullptr, ("there is no tensor of id " + std::to_string(id)).c_str());
  return nullptr;
}

std::vector<napi_value> Arguments(napi_env env, napi_callback_info info, size_t count) {
  std::vector<napi_value> args(count);
  napi_get_cb_info(env, info, &count, args.data(), nullptr, nullptr);
  return args;
}

std::string Text(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, &text[0], length + 1, &length);
  return text;
}

int32_t Integer(napi_env env, napi_value value) {
  int32_t number = 0;
  napi_get_value_int32(env, value, &number);
  return number;
}

napi_value Number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

// The elements of a typed array; none for anything else.
template <typename T>
struct View {
  T* data = nullptr;
  size_t length = 0;
  View(napi_env env, napi_value value) {
    bool is = false;
    void* start = nullptr;
    napi_is_typedarray(env, value, &is);
    if (is) napi_get_typedarray_info(env, value, nullptr, &length, &start, nullptr, nullptr);
    data = static_cast<T*>(start);
  }
};

// opDef(name: string): Uint8Array. The serialized OpDef of a TensorFlow op: names and types of its arguments.
napi_value OpDef(napi_env env, napi_callback_info info) {
  auto args = Arguments(env, info, 1);
  tfnodejs::TF_AutoStatus status;
  TF_Graph* graph = TF_NewGraph();
  TF_Buffer* buffer = TF_NewBuffer();
  TF_GraphGetOpDef(graph, Text(env, args[0]).c_str(), buffer, status.status);
  napi_value result = nullptr;
  if (Ok(env, status.status)) {
    void* data;
    napi_value bytes;
    napi_create_arraybuffer(env, buffer->length, &data, &bytes);
    std::memcpy(data, buffer->data, buffer->length);
    napi_create_typedarray(env, napi_uint8_array, buffer->length, bytes, 0, &result);
  }
  TF_DeleteBuffer(buffer);
  TF_DeleteGraph(graph);
  return result;
}

// addFunction(functionDef: Uint8Array): void. Registers a function; its name is an op from then on.
napi_value AddFunction(napi_env env, napi_callback_info info) {
  View<char> def(env, Arguments(env, info, 1)[0]);
  tfnodejs::TF_AutoStatus status;
  TFE_ContextAddFunctionDef(ContextOf(env), def.data, def.length, status.status);
  Ok(env, status.status);
  return nullptr;
}

// removeFunction(name: string): void
napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  auto args = Arguments(env, info, 1);
  tfnodejs::TF_AutoStatus status;
  TFE_ContextRemoveFunction(ContextOf(env), Text(env, args[0]).c_str(), status.status);
  Ok(env, status.status);
  return nullptr;
}

// reserveIds(count: number): number. The first of `count` tensor ids that nothing else will use.
napi_value ReserveIds(napi_env env, napi_callback_info info) {
  int32_t& next = Backend(env)->*get(NextId());
  int32_t first = next;
  next += Integer(env, Arguments(env, info, 1)[0]);
  return Number(env, first);
}

// describeTensor(id: number): number[]. Its TF_DataType, then its shape.
napi_value DescribeTensor(napi_env env, napi_callback_info info) {
  TFE_TensorHandle* handle = Handle(env, Integer(env, Arguments(env, info, 1)[0]));
  if (!handle) return nullptr;
  tfnodejs::TF_AutoStatus status;
  int rank = TFE_TensorHandleNumDims(handle, status.status);
  if (!Ok(env, status.status)) return nullptr;
  napi_value result;
  napi_create_array_with_length(env, rank + 1, &result);
  napi_set_element(env, result, 0, Number(env, TFE_TensorHandleDataType(handle)));
  for (int i = 0; i < rank; i++) {
    int64_t size = TFE_TensorHandleDim(handle, i, status.status);
    napi_set_element(env, result, i + 1, Number(env, size));
  }
  return result;
}

// renameTensor(from: number, to: number): void. The tensor of id `from` has id `to` from then on.
napi_value RenameTensor(napi_env env, napi_callback_info info) {
  auto args = Arguments(env, info, 2);
  int32_t from = Integer(env, args[0]);
  TFE_TensorHandle* handle = Handle(env, from);
  if (!handle) return nullptr;
  HandlesOf(env)[Integer(env, args[1])] = handle;
  HandlesOf(env).erase(from);
  return nullptr;
}

// runFunction(name: string, inputs: Int32Array, outputs: Int32Array, config: Uint8Array): void. Runs a registered
// function on the tensors of the ids `inputs`; its output i becomes the tensor of id outputs[i]. `config` is a
// serialized ConfigProto.
napi_value RunFunction(napi_env env, napi_callback_info info) {
  auto args = Arguments(env, info, 4);
  View<int32_t> inputs(env, args[1]), outputs(env, args[2]);
  View<char> config(env, args[3]);
  tfnodejs::TF_AutoStatus status;
  tfnodejs::TFE_AutoOp op(TFE_NewOp(ContextOf(env), Text(env, args[0]).c_str(), status.status));
  if (!Ok(env, status.status)) return nullptr;
  TFE_OpSetAttrString(op.op, "config_proto", config.data, config.length);
  for (size_t i = 0; i < inputs.length; i++) {
    TFE_TensorHandle* handle = Handle(env, inputs.data[i]);
    if (!handle) return nullptr;
    TFE_OpAddInput(op.op, handle, status.status);
    if (!Ok(env, status.status)) return nullptr;
  }
  int count = outputs.length;
  std::vector<TFE_TensorHandle*> results(count, nullptr);
  TFE_Execute(op.op, results.data(), &count, status.status);
  if (!Ok(env, status.status)) return nullptr;
  for (int i = 0; i < count; i++) HandlesOf(env)[outputs.data[i]] = results[i];
  return nullptr;
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback call) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  exports = tfnodejs::InitTFNodeJSBinding(env, exports);
  if (!exports) return nullptr;
  Export(env, exports, "opDef", OpDef);
  Export(env, exports, "addFunction", AddFunction);
  Export(env, exports, "removeFunction", RemoveFunction);
  Export(env, exports, "reserveIds", ReserveIds);
  Export(env, exports, "describeTensor", DescribeTensor);
  Export(env, exports, "renameTensor", RenameTensor);
  Export(env, exports, "runFunction", RunFunction);
  return exports;
}

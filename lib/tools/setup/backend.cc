// The package's backend with the one thing of it mended that two threads of JavaScript share: the set that names of
// attributes are kept in. Workers and the files of `deno test --parallel` insert into it at once, and the process ends
// in a segmentation fault. Here each thread has a set of its own.
//
// With this macro the package's `static std::set<std::string> ATTR_NAME_SET;` declares a function that gives a
// pointer, and its `ATTR_NAME_SET.insert(…)` calls that.
#define ATTR_NAME_SET (*AttrNames())
#include "binding/tfjs_backend.cc"

namespace tfnodejs {

static std::set<std::string>* AttrNames() {
  static thread_local std::set<std::string> names;
  return &names;
}

}  // namespace tfnodejs

// TensorFlow 2.21 writes to its log while it is being loaded, and Abseil, which it logs through, does not
// read TF_CPP_MIN_LOG_LEVEL. This library applies the variable (default 2: errors only). It is linked with
// -z initfirst, so the loader runs it before TensorFlow's own start-up code; all it calls is a store into a
// constant-initialised atomic, which is safe that early.
#include <cstdlib>

#include "absl/base/log_severity.h"
#include "absl/log/globals.h"

namespace {
struct Quiet {
  Quiet() {
    const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
    absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(level ? std::atoi(level) : 2));
  }
} quiet;
}  // namespace

// Included before everything else when SQLite's addon is compiled (prepare.mjs).
//
// From Node 24.19 on, node::ObjectWrap adds a cleanup hook for every object and removes it when the
// object is collected. Collection may happen while no environment is entered; the removal then ends
// the process (RemoveEnvironmentCleanupHook: Assertion failed: (env) != nullptr). better-sqlite3 12
// makes databases and statements that way, and 13 does not run on Node 20. Without the hooks the
// class is what it was before: databases are closed at the end by a hook of better-sqlite3's own.
#include <node.h>

namespace node {
inline void NoCleanupHook(v8::Isolate*, void (*)(void*), void*) {}
}  // namespace node

#define AddEnvironmentCleanupHook NoCleanupHook
#define RemoveEnvironmentCleanupHook NoCleanupHook
#include <node_object_wrap.h>
#undef AddEnvironmentCleanupHook
#undef RemoveEnvironmentCleanupHook

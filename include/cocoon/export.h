#pragma once
/// @file Visibility and ABI namespace of the shared library.

#if defined(COCOON_STATIC)
#define COCOON_API
#else
#define COCOON_API __attribute__((visibility("default")))
#endif

/// For the private parts of exported classes: not part of the ABI.
#define COCOON_HIDDEN __attribute__((visibility("hidden")))

/// Everything public lives in `cocoon`, inside an inline namespace that changes with SOVERSION, so
/// that two incompatible versions linked into one process fail at link time and not at run time.
#define COCOON_ABI_BEGIN \
  namespace cocoon {     \
  inline namespace v0 {
#define COCOON_ABI_END \
  }                    \
  }

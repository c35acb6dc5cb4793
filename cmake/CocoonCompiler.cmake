# Warnings, hardening, sanitizers, ccache and the linker, for every target of the project.

add_library(cocoon_compiler INTERFACE)
target_compile_options(cocoon_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wimplicit-fallthrough -Woverloaded-virtual
  # Designated initialisers leave out members that have defaults.
  -Wno-missing-field-initializers
  $<$<BOOL:${COCOON_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(cocoon_compiler INTERFACE -Wno-unknown-warning-option
    -Wno-missing-designated-field-initializers)
else()
  # g++ 12 sees uninitialised members in alternatives of std::variant that are never read; clang and
  # the sanitizers look after the real ones.
  target_compile_options(cocoon_compiler INTERFACE -Wno-maybe-uninitialized)
endif()

add_compile_options(-fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now)
if(COCOON_SANITIZE)
  # The sanitizers replace what _FORTIFY_SOURCE would intercept; the library's own checks of
  # indexes and iterators come on instead.
  add_compile_options(-fsanitize=${COCOON_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=${COCOON_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
else()
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()

if(COCOON_FUZZ OR COCOON_COVERAGE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "COCOON_FUZZ and COCOON_COVERAGE need clang: use the presets \"fuzz\" and "
      "\"coverage\", or set CMAKE_CXX_COMPILER=clang++.")
  endif()
endif()
if(COCOON_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(COCOON_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

find_program(COCOON_CCACHE ccache)
if(COCOON_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${COCOON_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${COCOON_CCACHE})
endif()
find_program(COCOON_LLD ld.lld)
if(COCOON_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# Warnings, sanitizers, ccache and the linker, for every target of the project.

add_library(cocoon_compiler INTERFACE)
target_compile_options(cocoon_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wimplicit-fallthrough -Woverloaded-virtual
  $<$<BOOL:${COCOON_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # COCOON_TRY and designated initialisers leave out members that have defaults.
  target_compile_options(cocoon_compiler INTERFACE -Wno-missing-field-initializers
    -Wno-missing-designated-field-initializers -Wno-unknown-warning-option)
else()
  target_compile_options(cocoon_compiler INTERFACE -Wno-missing-field-initializers)
endif()

if(COCOON_SANITIZE)
  add_compile_options(-fsanitize=${COCOON_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${COCOON_SANITIZE})
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
add_link_options(-Wl,-z,relro,-z,now)

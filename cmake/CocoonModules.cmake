# cocoon_module(NAME [USES module...] [LINKS library...])
#
# One folder of libcocoon/ is one module: all its .cpp files, compiled once, linked into the shared
# library and into the tests. USES names the modules whose headers it may include
# (tests/architecture reads it from there).
function(cocoon_module name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  set(target cocoon_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE cocoon_compiler)
    set_property(GLOBAL APPEND PROPERTY COCOON_MODULES ${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope}
    ${CMAKE_SOURCE_DIR}/libcocoon ${CMAKE_SOURCE_DIR}/include)
  list(TRANSFORM ARG_USES PREPEND cocoon_)
  target_link_libraries(${target} ${scope} ${ARG_USES} ${ARG_LINKS})
  set_property(GLOBAL APPEND PROPERTY COCOON_LINKS ${ARG_LINKS})
endfunction()

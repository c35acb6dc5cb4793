# What `cmake --install` puts into a prefix: the library, its headers, the programs (each app's own
# CMakeLists.txt), the ways for other builds to find them, example configs and the guides.

include(CMakePackageConfigHelpers)

install(TARGETS cocoon EXPORT cocoon
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/cocoon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")

# find_package(cocoon) gives cocoon::cocoon.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cocoon)
install(EXPORT cocoon NAMESPACE cocoon:: FILE cocoonTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/cocoonConfig.cmake.in
  ${CMAKE_BINARY_DIR}/cocoonConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 every minor version has an ABI of its own, as the SOVERSION says.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cocoonConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cocoonConfig.cmake ${CMAKE_BINARY_DIR}/cocoonConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config cocoon: relative to the .pc file, so that a prefix can be moved.
file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_SOURCE_DIR}/cmake/cocoon.pc.in ${CMAKE_BINARY_DIR}/cocoon.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/cocoon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

file(GLOB example_configs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/packaging/*.toml)
install(FILES ${example_configs} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
# The README's links, to where the guides lie in a prefix.
file(READ ${CMAKE_SOURCE_DIR}/README.md readme)
string(REPLACE "](libcocoon/docs/" "](guides/" readme "${readme}")
file(WRITE ${CMAKE_BINARY_DIR}/README.md "${readme}")
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS README.md)
install(FILES ${CMAKE_BINARY_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(document CHANGELOG.md LICENSE)
  install(FILES ${CMAKE_SOURCE_DIR}/${document} DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/libcocoon/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/guides
  OPTIONAL FILES_MATCHING PATTERN "*.md")

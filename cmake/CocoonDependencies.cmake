# Third-party packages, all from Debian 12. packaging/dependencies lists them for apt.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

# Header-only parsers: RapidJSON, msgpack-c, toml++ and CLI11 are in the default include path.
find_path(COCOON_RAPIDJSON rapidjson/rapidjson.h REQUIRED)
find_path(COCOON_MSGPACK msgpack.hpp REQUIRED)
find_path(COCOON_TOML toml++/toml.h REQUIRED)
find_path(COCOON_CLI11 CLI/CLI.hpp REQUIRED)
find_path(COCOON_HTTP_PARSER http_parser.h REQUIRED)
find_library(COCOON_HTTP_PARSER_LIBRARY http_parser REQUIRED)

# msgpack-c demands Boost in its CMake target; the define below is all it needs instead.
add_library(cocoon_msgpack INTERFACE)
target_compile_definitions(cocoon_msgpack INTERFACE MSGPACK_NO_BOOST MSGPACK_DISABLE_LEGACY_NIL)

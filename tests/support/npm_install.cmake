# Copies the suites of SOURCE to TARGET, beside their packages (Node looks for them from the importing
# file upwards), and installs these by NPM, where the lock file has changed since the last time. The
# scripts of ALSO, if given, go along.
file(GLOB files ${SOURCE}/*.mjs ${SOURCE}/package.json ${SOURCE}/package-lock.json)
if(ALSO)
  file(GLOB scripts ${ALSO}/*.mjs ${ALSO}/*.sh)
  list(APPEND files ${scripts})
endif()
file(COPY ${files} DESTINATION ${TARGET})
file(SHA256 ${SOURCE}/package-lock.json wanted)
set(stamp ${TARGET}/installed)
if(EXISTS ${stamp})
  file(READ ${stamp} installed)
  if(installed STREQUAL wanted)
    return()
  endif()
endif()
execute_process(COMMAND ${NPM} ci --no-audit --no-fund --ignore-scripts
  WORKING_DIRECTORY ${TARGET} COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${stamp} ${wanted})

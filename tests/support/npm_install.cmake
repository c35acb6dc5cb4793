# Copies the scripts of SOURCE to TARGET, beside their packages: Node looks for these from the importing
# file upwards.
#
# With NPM the packages are SOURCE's own, and installed by it, where the lock file has changed since the
# last time. With PACKAGES they are those of that folder. The scripts of ALSO, if given, go along; those
# beside this file go to where tests find them.
file(GLOB files ${SOURCE}/*.mjs ${SOURCE}/package.json ${SOURCE}/package-lock.json)
if(ALSO)
  file(GLOB scripts ${ALSO}/*.mjs ${ALSO}/*.sh)
  list(APPEND files ${scripts})
endif()
file(COPY ${files} DESTINATION ${TARGET})
if(EXISTS ${SOURCE}/../support)
  file(GLOB shared ${SOURCE}/../support/*.mjs)
  file(COPY ${shared} DESTINATION ${TARGET}/../support)
endif()
if(PACKAGES)
  # Build folders from before have packages of their own there.
  file(REMOVE_RECURSE ${TARGET}/node_modules)
  file(CREATE_LINK ${PACKAGES}/node_modules ${TARGET}/node_modules SYMBOLIC)
  return()
endif()
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

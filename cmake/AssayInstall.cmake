# The install tree: the program with its kernels and configurations, and what a kernel outside the tree needs.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(ASSAY_INSTALL_DATADIR ${CMAKE_INSTALL_DATADIR}/assay)
set(ASSAY_INSTALL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}/assay)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Assay)

install(TARGETS assay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${ASSAY_KERNEL_DIR}/ DESTINATION ${ASSAY_INSTALL_DATADIR}/kernels FILES_MATCHING PATTERN "*.elf")
install(DIRECTORY configs/ DESTINATION ${ASSAY_INSTALL_DATADIR}/configs)
install(DIRECTORY testgen/coverage/model/ DESTINATION ${ASSAY_INSTALL_DATADIR}/coverage FILES_MATCHING PATTERN "*.yaml")
install(FILES docs/verification/plan.yaml DESTINATION ${ASSAY_INSTALL_DATADIR}/verification)
install(FILES golden/ort/ort_server.mjs golden/ort/package.json golden/ort/package-lock.json
        DESTINATION ${ASSAY_INSTALL_DATADIR}/ort)
install(DIRECTORY ops/device/ DESTINATION ${ASSAY_INSTALL_DATADIR}/device
        FILES_MATCHING PATTERN "*.S" PATTERN "*.c" PATTERN "*.ld")
install(DIRECTORY ops/ DESTINATION ${ASSAY_INSTALL_INCLUDEDIR}/ops
        FILES_MATCHING PATTERN "device.hpp" PATTERN "vector.hpp" PATTERN "counters.hpp" PATTERN "*_args.h")
install(FILES isa/abi.h isa/events.h isa/events.def DESTINATION ${ASSAY_INSTALL_INCLUDEDIR}/isa)
install(FILES ${ASSAY_KERNEL_DEPENDS} DESTINATION ${ASSAY_INSTALL_INCLUDEDIR}/isa/generated)

configure_package_config_file(cmake/AssayConfig.cmake.in ${PROJECT_BINARY_DIR}/AssayConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_BINDIR ASSAY_INSTALL_INCLUDEDIR ASSAY_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/AssayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/AssayConfig.cmake ${PROJECT_BINARY_DIR}/AssayConfigVersion.cmake
              cmake/AssayKernel.cmake
        DESTINATION ${package_dir})

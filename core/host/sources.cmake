# The RISC-V host; paths are relative to core/.
set(ASSAY_HOST_SOURCES
    host/code_cache.cpp
    host/compressed.cpp
    host/csr.cpp
    host/disassemble.cpp
    host/engine.cpp
    host/engine_slow.cpp
    host/host.cpp
    host/instruction.cpp)

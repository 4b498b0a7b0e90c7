# The RISC-V host; paths are relative to core/.
set(ASSAY_HOST_SOURCES
    host/clint.cpp
    host/code_cache.cpp
    host/compressed.cpp
    host/csr.cpp
    host/disassemble.cpp
    host/engine.cpp
    host/engine_slow.cpp
    host/float_environment.cpp
    host/float_slow.cpp
    host/host.cpp
    host/instruction.cpp
    host/soft_float.cpp)

set(ASSAY_ELF_SOURCES elf.cpp)

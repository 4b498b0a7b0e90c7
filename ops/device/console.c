/* printf and its like in kernels: standard output and error are the UART, unbuffered. The linker drops this
 * from a kernel that prints nothing. */
#include <stdio.h>

#include "isa/abi.h"

static int put(char c, FILE* file) {
  (void)file;
  *(volatile unsigned char*)ASSAY_UART_BASE = (unsigned char)c;
  return (unsigned char)c;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE* const stdout = &console;
FILE* const stderr = &console;

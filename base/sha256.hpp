// SHA-256 (FIPS 180-4) of bytes, as 64 hexadecimal digits: what sha256sum prints.
#pragma once

#include <cstddef>
#include <string>

namespace assay {

std::string sha256(const void* bytes, std::size_t count);

}  // namespace assay

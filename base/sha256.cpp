#include "base/sha256.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <array>

#include "base/error.hpp"

namespace assay {

std::string sha256(const void* bytes, std::size_t count) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes, count, digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    fail(ExitCode::Infrastructure, "libcrypto has no SHA-256");
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace assay

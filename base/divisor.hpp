// Division by a number that is known once and is mostly a power of two: a shift takes a tenth of the time.
#pragma once

#include <cstdint>

namespace assay {

class Divisor {
 public:
  explicit Divisor(std::uint64_t number) : number_(number) {
    if ((number & (number - 1)) == 0) shift_ = __builtin_ctzll(number);
  }
  std::uint64_t number() const { return number_; }
  friend std::uint64_t operator/(std::uint64_t n, const Divisor& by) {
    return by.shift_ >= 0 ? n >> by.shift_ : n / by.number_;
  }

 private:
  std::uint64_t number_;
  int shift_ = -1;
};

}  // namespace assay

#include "sim/debug/transport.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"

namespace assay::sim {
namespace {

// A pair of open files. Closes them.
class Wire {
 public:
  void open(int in, int out) {
    in_ = in;
    out_ = out;
  }
  ~Wire() {
    if (in_ >= 0) close(in_);
    if (out_ >= 0 && out_ != in_) close(out_);
  }

  std::optional<std::string> read(bool wait) const {
    pollfd ready{in_, POLLIN, 0};
    int count = 0;
    do count = poll(&ready, 1, wait ? -1 : 0);
    while (count < 0 && errno == EINTR);
    if (count == 0) return std::string();
    char buffer[4096];
    const ssize_t bytes = ::read(in_, buffer, sizeof buffer);
    if (bytes <= 0) return std::nullopt;
    return std::string(buffer, static_cast<std::size_t>(bytes));
  }

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t done = ::write(out_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }

 private:
  int in_ = -1, out_ = -1;
};

class StandardStreams : public Transport {
 public:
  StandardStreams() {
    std::fflush(stdout);
    wire_.open(dup(STDIN_FILENO), dup(STDOUT_FILENO));
    dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  void connect() override {}
  std::optional<std::string> read(bool wait) override { return wire_.read(wait); }
  void write(std::string_view bytes) override { wire_.write(bytes); }

 private:
  Wire wire_;
};

class Listener : public Transport {
 public:
  // `socket` is bound; `path` is removed at the end where it is not empty.
  Listener(int socket, std::string path) : socket_(socket), path_(std::move(path)) {}
  ~Listener() override {
    close(socket_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void connect() override {
    int peer = -1;
    do peer = accept(socket_, nullptr, nullptr);
    while (peer < 0 && errno == EINTR);
    if (peer < 0) fail(ExitCode::Infrastructure, "--gdb: {}", std::strerror(errno));
    const int on = 1;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // no effect on a Unix socket
    wire_.open(peer, peer);
  }
  std::optional<std::string> read(bool wait) override { return wire_.read(wait); }
  void write(std::string_view bytes) override { wire_.write(bytes); }

 private:
  int socket_;
  std::string path_;
  Wire wire_;
};

[[noreturn]] void cannot_listen(const std::string& address, int error) {
  fail(ExitCode::Infrastructure, "--gdb {}: cannot listen there: {}", address, std::strerror(error));
}

int bound_socket(const std::string& address, int family, const sockaddr* name, socklen_t bytes) {
  const int s = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) cannot_listen(address, errno);
  const int on = 1;
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(s, name, bytes) == 0 && listen(s, 1) == 0) return s;
  const int error = errno;
  close(s);
  cannot_listen(address, error);
}

std::unique_ptr<Transport> open_unix(const std::string& address, const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path)
    fail(ExitCode::Usage, "--gdb {}: a path of 1 to {} characters is expected", address,
         sizeof name.sun_path - 1);
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  const int s = bound_socket(address, AF_UNIX, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  return std::make_unique<Listener>(s, path);
}

std::unique_ptr<Transport> open_tcp(const std::string& address, std::string& where) {
  const std::size_t colon = address.rfind(':');
  const std::string host = colon == std::string::npos ? "127.0.0.1" : address.substr(0, colon);
  const std::string digits = colon == std::string::npos ? address : address.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || host.empty())
    fail(ExitCode::Usage, "--gdb {}: expected [HOST:]PORT with a port from 0 to 65535, unix:PATH or -",
         address);
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0)
    fail(ExitCode::Usage, "--gdb {}: no address of '{}' is known", address, host);
  sockaddr_in name{};
  std::memcpy(&name, found->ai_addr, sizeof name);
  freeaddrinfo(found);
  name.sin_port = htons(port);
  const int s = bound_socket(address, AF_INET, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  socklen_t bytes = sizeof name;
  getsockname(s, reinterpret_cast<sockaddr*>(&name), &bytes);
  where = fmt::format("{}:{}", host, ntohs(name.sin_port));
  return std::make_unique<Listener>(s, "");
}

}  // namespace

std::unique_ptr<Transport> open_transport(const std::string& address,
                                          const std::function<void(const std::string&)>& announce) {
  std::signal(SIGPIPE, SIG_IGN);  // a debugger that goes away is no reason to die
  if (address == "-") return std::make_unique<StandardStreams>();
  const std::string unix_prefix = "unix:";
  std::string where =
      address.substr(0, unix_prefix.size()) == unix_prefix ? address.substr(unix_prefix.size()) : "";
  auto transport = address.substr(0, unix_prefix.size()) == unix_prefix ? open_unix(address, where)
                                                                        : open_tcp(address, where);
  announce(where);
  return transport;
}

}  // namespace assay::sim

#include "golden/ort/ort_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.hpp"

namespace assay::golden {
namespace {

constexpr std::string_view kMagic = "assayort";
constexpr std::size_t kPrefix = 24, kLongestHeader = std::size_t{1} << 20;

std::string prefix_of(std::uint64_t header, std::uint64_t body) {
  std::string prefix(kMagic);
  for (const std::uint64_t length : {header, body})
    for (int byte = 0; byte < 8; ++byte) prefix += static_cast<char>(length >> (8 * byte) & 0xFF);
  return prefix;
}

std::uint64_t length_at(const std::string& prefix, std::size_t at) {
  std::uint64_t length = 0;
  for (std::size_t byte = 8; byte-- > 0;)
    length = length << 8 | static_cast<unsigned char>(prefix[at + byte]);
  return length;
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace

OrtProcess::OrtProcess(std::vector<std::string> command, std::chrono::milliseconds patience)
    : command_(std::move(command)), patience_(patience) {}

void OrtProcess::start() {
  // A socket and not pipes: MSG_NOSIGNAL then keeps SIGPIPE away without touching this process's handlers.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    fail(ExitCode::Infrastructure, "golden ort: no socket: {}", std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> words;
  for (std::string& word : command_) words.push_back(word.data());
  words.push_back(nullptr);
  const int error = posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  socket_ = ends[0];
  if (error == 0) return;
  pid_ = 0;
  end();
  fail(ExitCode::Infrastructure, "golden ort: '{}' cannot be started: {}", command_[0], std::strerror(error));
}

void OrtProcess::end() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);  // it holds nothing that outlives it
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void OrtProcess::report_death() {
  // The socket is closed: the process has ended, or is about to.
  int status = 0;
  pid_t ended = 0;
  for (int i = 0; i < 100 && ended == 0; ++i) {
    ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0) usleep(10'000);
  }
  if (ended == 0) give_up("closed its socket and runs on");
  pid_ = 0;
  end();
  fail(ExitCode::Infrastructure, "golden ort: '{}' {}", fmt::join(command_, " "), describe_end(status));
}

void OrtProcess::give_up(const std::string& reason) {
  end();
  fail(ExitCode::Infrastructure, "golden ort: '{}' {}", fmt::join(command_, " "), reason);
}

void OrtProcess::wait_for(short event) {
  pollfd waiting{socket_, event, 0};
  int ready = -1;
  while ((ready = poll(&waiting, 1, static_cast<int>(patience_.count()))) < 0 && errno == EINTR) {}
  if (ready == 0)
    give_up(
        fmt::format("neither took nor gave a byte for {} s", static_cast<double>(patience_.count()) / 1e3));
}

void OrtProcess::send(std::string_view bytes) {
  while (!bytes.empty()) {
    wait_for(POLLOUT);
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno != EAGAIN && errno != EINTR) report_death();
  }
}

std::string OrtProcess::receive(std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t at = 0; at < length;) {
    wait_for(POLLIN);
    const ssize_t got = recv(socket_, &bytes[at], length - at, MSG_DONTWAIT);
    if (got > 0) at += static_cast<std::size_t>(got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) report_death();
  }
  return bytes;
}

OrtProcess::Answer OrtProcess::exchange(const std::string& header, const std::vector<std::string_view>& body,
                                        std::size_t most) {
  if (pid_ == 0) start();
  std::size_t length = 0;
  for (const std::string_view piece : body) length += piece.size();
  send(prefix_of(header.size(), length));
  send(header);
  for (const std::string_view piece : body) send(piece);
  const std::string prefix = receive(kPrefix);
  const std::uint64_t header_length = length_at(prefix, 8), body_length = length_at(prefix, 16);
  if (prefix.compare(0, kMagic.size(), kMagic) != 0) give_up("answered with something else than a frame");
  if (header_length > kLongestHeader || body_length > most)
    give_up(fmt::format("announced {} and {} bytes; expected at most {} and {}", header_length, body_length,
                        kLongestHeader, most));
  Answer answer;
  answer.header = receive(header_length);
  answer.body = receive(body_length);
  return answer;
}

}  // namespace assay::golden

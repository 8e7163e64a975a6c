// An HTTP/1.1 origin that costs as little as it can, so that it is not what a proxy is measured by: one thread, epoll, answers made beforehand.
//
//   origin PORT
//
//   GET /small     100 bytes of JSON
//   GET /16KiB     16,384 bytes
//   POST …         takes the body, and says in X-Received how many bytes it had
//
// It knows Content-Length and nothing else of framing: a proxy that sends a body in chunks is told 411, which is an error to whoever counts.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

struct Connection {
  std::string in, out;
};

static std::string smallBody() {
  std::string body = R"({"id":4711,"name":"an endpoint answers","tags":["a","b"],"isWell":true,"note":")";
  body.append(100 - 2 - body.size(), 'x');
  return body + "\"}";
}

// No two neighbours alike, so that a piece in the wrong place is seen.
static std::string largeBody() {
  std::string body(16384, ' ');
  for (size_t i = 0; i < body.size(); i++) body[i] = static_cast<char>('a' + (i + i / 26) % 26);
  return body;
}

static std::string answer(const char *status, const std::string &more, const std::string &body) {
  return std::string("HTTP/1.1 ") + status + "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

static const std::string SMALL = answer("200 OK", "", smallBody());
static const std::string LARGE = answer("200 OK", "", largeBody());
static const std::string NOT_FOUND = answer("404 Not Found", "", "{}");
static const std::string LENGTH_REQUIRED = answer("411 Length Required", "", "{}");

// The value of a header; empty: it is not there.
static std::string_view header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at + 2 + name.size() < head.size(); at = head.find("\r\n", at + 2)) {
    if (head[at + 2 + name.size()] != ':' || strncasecmp(&head[at + 2], name.data(), name.size()) != 0) continue;
    const size_t from = head.find_first_not_of(' ', at + 3 + name.size());
    return head.substr(from, head.find("\r\n", from) - from);
  }
  return {};
}

// Answers every request that is whole.
static void serve(Connection &connection) {
  std::string_view rest = connection.in;
  for (;;) {
    const size_t end = rest.find("\r\n\r\n");
    if (end == std::string_view::npos) break;
    const std::string_view head = rest.substr(0, end + 2);
    size_t length = 0;
    if (head.starts_with("GET /small ")) {
      connection.out += SMALL;
    } else if (head.starts_with("GET /16KiB ")) {
      connection.out += LARGE;
    } else if (!head.starts_with("POST ")) {
      connection.out += NOT_FOUND;
    } else if (const std::string_view told = header(head, "content-length"); told.empty()) {
      connection.out += LENGTH_REQUIRED;
    } else {
      length = strtoul(std::string(told).c_str(), nullptr, 10);
      if (rest.size() < end + 4 + length) break;
      connection.out += answer("200 OK", "X-Received: " + std::to_string(length) + "\r\n", smallBody());
    }
    rest.remove_prefix(end + 4 + length);
  }
  connection.in.erase(0, connection.in.size() - rest.size());
}

// Whether the connection lives on.
static bool onReady(int epoll, int socket, Connection &connection, uint32_t events) {
  static char piece[65536];
  if (events & EPOLLIN) {
    const ssize_t count = read(socket, piece, sizeof piece);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return false;
    if (count > 0) connection.in.append(piece, count);
    serve(connection);
  } else if (events & (EPOLLERR | EPOLLHUP)) {
    return false;
  }
  if (connection.out.empty()) return true;
  const ssize_t count = write(socket, connection.out.data(), connection.out.size());
  if (count < 0 && errno != EAGAIN) return false;
  if (count > 0) connection.out.erase(0, count);
  const bool isWaiting = !connection.out.empty();
  if (isWaiting || (events & EPOLLOUT)) {
    epoll_event wish{EPOLLIN | (isWaiting ? EPOLLOUT : 0u), {}};
    wish.data.fd = socket;
    epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &wish);
  }
  return true;
}

static void require(bool isSo, const char *what) {
  if (isSo) return;
  perror(what);
  exit(1);
}

int main(int, char **argv) {
  const int one = 1;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0, "bind");
  require(listen(listener, 4096) == 0, "listen");
  const int epoll = epoll_create1(0);
  epoll_event wish{EPOLLIN, {}};
  wish.data.fd = listener;
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wish);
  // By the number of their socket, which the kernel keeps small.
  std::vector<Connection> connections;
  epoll_event ready[256];
  for (;;) {
    const int count = epoll_wait(epoll, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      const int socket = ready[i].data.fd;
      if (socket == listener) {
        const int fresh = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fresh < 0) continue;
        setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connections.size() <= static_cast<size_t>(fresh)) connections.resize(fresh + 1);
        connections[fresh] = {};
        wish.data.fd = fresh;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fresh, &wish);
      } else if (!onReady(epoll, socket, connections[socket], ready[i].events)) {
        close(socket);
      }
    }
  }
}

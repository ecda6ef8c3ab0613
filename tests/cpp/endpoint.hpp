// SPDX-License-Identifier: MIT
//
// An endpoint of chat completions on a thread: every question gets the same answer.
#ifndef TESTS_CPP_ENDPOINT_HPP
#define TESTS_CPP_ENDPOINT_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>

class endpoint {
  public:
    explicit endpoint(const char *reply)
        : reply_(reply), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at = {};
        socklen_t size = sizeof at;
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = inet_addr("127.0.0.1");
        sockaddr *const any = static_cast<sockaddr *>(static_cast<void *>(&at));
        if (bind(listener_, any, size) == 0 && listen(listener_, 16) == 0 &&
            getsockname(listener_, any, &size) == 0)
            url_ = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/v1";
        thread_ = std::thread([this] { serve(); });
    }
    endpoint(const endpoint &) = delete;
    endpoint &operator=(const endpoint &) = delete;
    ~endpoint() {
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }
    const std::string &url() const {
        return url_;
    }

  private:
    // One connection after the other, with one request each.
    void serve() const {
        for (int to; (to = accept(listener_, nullptr, nullptr)) >= 0; close(to)) {
            std::string asked;
            char block[4096];
            while (!whole(asked)) {
                const ssize_t n = read(to, block, sizeof block);
                if (n <= 0) break;
                asked.append(block, static_cast<std::size_t>(n));
            }
            const std::string body = "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\","
                                     "\"message\":{\"role\":\"assistant\",\"content\":\"" +
                                     reply_ +
                                     "\"}}],\"usage\":{\"prompt_tokens\":7,"
                                     "\"completion_tokens\":2}}";
            const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                       "Connection: close\r\nContent-Length: " +
                                       std::to_string(body.size()) + "\r\n\r\n" + body;
            if (send(to, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) continue;
        }
    }
    static bool whole(const std::string &asked) {
        const std::size_t head = asked.find("\r\n\r\n"), length = asked.find("Content-Length: ");
        return head != std::string::npos && length != std::string::npos &&
               asked.size() >= head + 4 + std::stoul(asked.substr(length + 16));
    }

    std::string reply_, url_;
    int listener_;
    std::thread thread_;
};

#endif

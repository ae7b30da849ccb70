// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_kernel.h"

#include <dlfcn.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

static FakeKernel *installed;

FakeKernel::FakeKernel(Handler handler) : handler_(std::move(handler)) { installed = this; }

FakeKernel::~FakeKernel() { installed = nullptr; }

void FakeKernel::say_bytes(const void *bytes, size_t length) {
  auto *first = static_cast<const char *>(bytes);

  datagrams_.emplace_back(first, first + length);
}

void FakeKernel::stamp_and_queue(nl_msg *message, int flags) {
  nlmsghdr *header = nlmsg_hdr(message);

  header->nlmsg_pid = request()->nlmsg_pid;
  header->nlmsg_seq = request()->nlmsg_seq;
  header->nlmsg_flags = static_cast<uint16_t>(flags);
  say_bytes(header, header->nlmsg_len);
  nlmsg_free(message);
}

void FakeKernel::say(nl_msg *message, int flags) { stamp_and_queue(message, flags); }

void FakeKernel::acknowledge(int error, const char *words) {
  nl_msg *message = nlmsg_alloc_simple(NLMSG_ERROR, 0);
  nlmsgerr body = {};

  body.error = error;
  body.msg = *request();
  nlmsg_append(message, &body, sizeof(body), NLMSG_ALIGNTO);
  if (words)
    nla_put_string(message, NLMSGERR_ATTR_MSG, words);
  stamp_and_queue(message, NLM_F_CAPPED | (words ? NLM_F_ACK_TLVS : 0));
}

void FakeKernel::end_dump(int error) {
  nl_msg *message = nlmsg_alloc_simple(NLMSG_DONE, 0);

  nlmsg_append(message, &error, sizeof(error), NLMSG_ALIGNTO);
  stamp_and_queue(message, NLM_F_MULTI);
}

ssize_t fake_sendmsg(int, const msghdr *message, int) {
  FakeKernel &kernel = *installed;
  auto *bytes = static_cast<const char *>(message->msg_iov[0].iov_base);
  size_t length = message->msg_iov[0].iov_len;

  kernel.request_.assign(bytes, bytes + length);
  kernel.handler_(kernel, reinterpret_cast<nlmsghdr *>(kernel.request_.data()));
  return static_cast<ssize_t>(length);
}

ssize_t fake_recvmsg(int, msghdr *message, int flags) {
  FakeKernel &kernel = *installed;
  sockaddr_nl from = {};

  // As SO_RCVTIMEO ends a wait.
  if (kernel.datagrams_.empty()) {
    errno = EAGAIN;
    return -1;
  }
  const std::vector<char> datagram = kernel.datagrams_.front();
  size_t room = message->msg_iov[0].iov_len;

  if (!(flags & MSG_PEEK))
    kernel.datagrams_.pop_front();
  if (!datagram.empty())
    memcpy(message->msg_iov[0].iov_base, datagram.data(), std::min(room, datagram.size()));
  from.nl_family = AF_NETLINK;
  from.nl_pid = kernel.sender;
  if (message->msg_name)
    memcpy(message->msg_name, &from, sizeof(from));
  message->msg_namelen = sizeof(from);
  message->msg_controllen = 0;
  message->msg_flags = datagram.size() > room ? MSG_TRUNC : 0;
  return static_cast<ssize_t>(flags & MSG_TRUNC ? datagram.size()
                                                : std::min(room, datagram.size()));
}

extern "C" ssize_t sendmsg(int fd, const msghdr *message, int flags) {
  static auto real = reinterpret_cast<decltype(&sendmsg)>(dlsym(RTLD_NEXT, "sendmsg"));

  return installed ? fake_sendmsg(fd, message, flags) : real(fd, message, flags);
}

extern "C" ssize_t recvmsg(int fd, msghdr *message, int flags) {
  static auto real = reinterpret_cast<decltype(&recvmsg)>(dlsym(RTLD_NEXT, "recvmsg"));

  return installed ? fake_recvmsg(fd, message, flags) : real(fd, message, flags);
}

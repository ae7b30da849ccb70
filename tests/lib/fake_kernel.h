// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's end of every netlink socket of this process, while one is there.
// sendmsg(2) and recvmsg(2) are replaced, so that the code under test runs down to
// the system call. Without one, both reach the kernel.
#pragma once

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <deque>
#include <functional>
#include <vector>

class FakeKernel {
 public:
  // Called for each request; answers with what is below.
  using Handler = std::function<void(FakeKernel &kernel, nlmsghdr *request)>;

  explicit FakeKernel(Handler handler);
  ~FakeKernel();

  // A message of an answer, freed here; its port and sequence become the request's.
  void say(nl_msg *message, int flags = 0);
  // Zero is the acknowledgement.
  void acknowledge(int error = 0, const char *words = nullptr);
  void end_dump(int error = 0);
  // Bytes as they are, as one datagram.
  void say_bytes(const void *bytes, size_t length);

  const nlmsghdr *request() const { return reinterpret_cast<const nlmsghdr *>(request_.data()); }

  // Who sends what is said: 0 is the kernel.
  unsigned sender = 0;

 private:
  friend ssize_t fake_sendmsg(int, const msghdr *, int);
  friend ssize_t fake_recvmsg(int, msghdr *, int);

  void stamp_and_queue(nl_msg *message, int flags);

  Handler handler_;
  std::vector<char> request_;
  std::deque<std::vector<char>> datagrams_;
};

// SPDX-License-Identifier: LGPL-2.1-or-later
// Claims between processes: the lock's limit and end, a race for one VF, and a
// process killed before and after each of its system calls.
#include "claims_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>

namespace {

using Strings = std::vector<std::string>;

constexpr int kRounds = 1000;

// A process of our own that does one thing; it dies with this object, or with us.
class Child {
 public:
  explicit Child(const std::function<int()> &run) : pid_(fork()) {
    if (pid_ != 0)
      return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(run());
  }
  ~Child() {
    if (pid_ > 0)
      kill_now();
  }
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;

  pid_t pid() const { return pid_; }
  // The status of waitpid() at the next stop or the end.
  int wait() {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    if (!WIFSTOPPED(status))
      pid_ = 0;
    return status;
  }
  void kill_now() {
    kill(pid_, SIGKILL);
    while (pid_ > 0)
      wait();
  }

 private:
  pid_t pid_;
};

bool is_of_allocator(unsigned long call) {
  return call == SYS_mmap || call == SYS_munmap || call == SYS_mremap || call == SYS_madvise ||
         call == SYS_mprotect || call == SYS_brk || call == SYS_futex;
}

// What two processes share.
struct Arena {
  pthread_barrier_t barrier;
  std::atomic<int> wins[kRounds];
};

}  // namespace

class ClaimsProcesses : public ClaimsTest {
 protected:
  // A child that holds the lock; returns once it does.
  std::unique_ptr<Child> holder() {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    auto child = std::make_unique<Child>([&] {
      close(ready[0]);
      const Claims claims = open();
      if (!claims || write(ready[1], "x", 1) != 1)
        return 1;
      for (;;)
        pause();
    });
    close(ready[1]);
    char byte;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
  }
  void expect_busy(int timeout_ms, const std::string &who) {
    Error error;
    const gint64 start = g_get_monotonic_time();
    EXPECT_FALSE(Claims(vferry_claims_open(folder_.c_str(), timeout_ms, error.out())));
    EXPECT_GE(g_get_monotonic_time() - start, timeout_ms * 1000);
    EXPECT_TRUE(error.is(VFERRY_ERROR_BUSY)) << error.text();
    expect_message(error.text(), who + " holds " + above_.string() + "/lock");
  }
  static std::string process(pid_t pid) { return "process " + std::to_string(pid); }

  int race(Arena *arena, const char *uuid);
  using Step = std::function<gboolean(VferryClaims *)>;
  bool run(const std::vector<Step> &steps);
  bool kill_at(int stop, const std::vector<Step> &steps);
  void sweep(const std::function<void()> &prepare, const std::vector<Step> &steps);
};

TEST_F(ClaimsProcesses, TheLockIsWaitedForWithALimit) {
  const auto child = holder();
  expect_busy(0, process(child->pid()));
  expect_busy(50, process(child->pid()));
}

TEST_F(ClaimsProcesses, TheLockEndsWithItsHolder) {
  const auto child = holder();
  child->kill_now();
  const Claims claims = open(0);
  EXPECT_TRUE(claims);
  expect_busy(0, process(getpid()));
}

TEST_F(ClaimsProcesses, AHolderThatLeftNoNameIsAProcess) {
  const Claims claims = open();
  for (const char *text : {"", "x", "-1", "99999999999"}) {
    write_file(above_ / "lock", text);
    expect_busy(0, "a process");
  }
}

TEST_F(ClaimsProcesses, TheLockIsNotInherited) {
  Claims claims = open();
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  Child child([] { return execlp("sleep", "sleep", "60", nullptr); });
  close(ready[1]);
  char byte;
  // The end of file says that the program runs.
  EXPECT_EQ(read(ready[0], &byte, 1), 0);
  close(ready[0]);
  EXPECT_EQ(waitpid(child.pid(), nullptr, WNOHANG), 0);
  claims.reset();
  EXPECT_TRUE(open(0));
}

// Goes on after a failure, for the other one waits at the barrier.
int ClaimsProcesses::race(Arena *arena, const char *uuid) {
  const VferryAddress address = vf();
  int failures = 0;
  for (int round = 0; round < kRounds; round++) {
    pthread_barrier_wait(&arena->barrier);
    {
      const Claims claims(vferry_claims_open(folder_.c_str(), 60000, nullptr));
      const bool taken = Claim(vferry_claims_lookup(claims.get(), &address)) != nullptr;
      if (!taken && !vferry_claims_put(claims.get(), claim_of(address, uuid).get(), nullptr))
        failures++;
      arena->wins[round] += !taken;
    }
    pthread_barrier_wait(&arena->barrier);
    const Claims claims(vferry_claims_open(folder_.c_str(), 60000, nullptr));
    if (!remove_all_of(claims.get(), uuid))
      failures++;
  }
  return failures > 0;
}

TEST_F(ClaimsProcesses, OneOfTwoWins) {
  void *memory = mmap(nullptr, sizeof(Arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto *arena = new (memory) Arena();
  pthread_barrierattr_t shared;
  pthread_barrierattr_init(&shared);
  pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&arena->barrier, &shared, 2);
  {
    Child alice([&] { return race(arena, kAlice); });
    Child bob([&] { return race(arena, kBob); });
    EXPECT_EQ(alice.wait(), 0);
    EXPECT_EQ(bob.wait(), 0);
  }
  for (int round = 0; round < kRounds; round++)
    ASSERT_EQ(arena->wins[round], 1) << "round " << round;
  EXPECT_TRUE(shown().empty());
  munmap(memory, sizeof(Arena));
}

bool ClaimsProcesses::run(const std::vector<Step> &steps) {
  const Claims claims(vferry_claims_open(folder_.c_str(), 10000, nullptr));
  bool good = claims != nullptr;
  for (const Step &step : steps)
    good = good && step(claims.get());
  return good;
}

// Whether the steps were killed: stop 1 is before the first system call, stop 2
// after it. Not counted is the allocator's: it differs from run to run.
bool ClaimsProcesses::kill_at(int stop, const std::vector<Step> &steps) {
  Child child([&] {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    return run(steps) ? 0 : 1;
  });
  child.wait();
  // The kernel says which call it is only where stops of calls are marked as such.
  EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, child.pid(), nullptr,
                   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
  unsigned long call = SYS_mmap;
  for (int counted = 0; counted < stop; counted += !is_of_allocator(call)) {
    EXPECT_EQ(ptrace(PTRACE_SYSCALL, child.pid(), nullptr, nullptr), 0);
    const int status = child.wait();
    if (!WIFSTOPPED(status)) {
      EXPECT_EQ(status, 0);
      return false;
    }
    __ptrace_syscall_info info = {};
    EXPECT_GT(ptrace(PTRACE_GET_SYSCALL_INFO, child.pid(), sizeof(info), &info), 0);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
      call = info.entry.nr;
  }
  child.kill_now();
  return true;
}

// Kills at each stop in turn; what is there then is what some number of whole
// steps leaves, and the next process can do them all.
void ClaimsProcesses::sweep(const std::function<void()> &prepare, const std::vector<Step> &steps) {
  prepare();
  std::vector<Strings> states = {shown()};
  for (const Step &step : steps) {
    ASSERT_TRUE(run({step}));
    states.push_back(shown());
  }
  std::vector<int> seen(states.size());
  size_t done = 0;
  for (int stop = 1;; stop++) {
    std::filesystem::remove_all(above_);
    prepare();
    const bool killed = kill_at(stop, steps);
    const Strings state = shown();
    // A later death never undoes what an earlier one left done.
    while (done < states.size() && state != states[done])
      done++;
    ASSERT_LT(done, states.size()) << "stop " << stop << ": " << testing::PrintToString(state);
    seen[done]++;
    EXPECT_TRUE(open(0)) << "stop " << stop;
    EXPECT_FALSE(std::filesystem::exists(folder_ / ".new")) << "stop " << stop;
    EXPECT_EQ(shown(), state) << "stop " << stop;
    ASSERT_TRUE(run(steps)) << "stop " << stop;
    EXPECT_EQ(shown(), states.back()) << "stop " << stop;
    if (!killed)
      break;
  }
  for (const int times : seen)
    EXPECT_GT(times, 0) << "a state was never seen: " << testing::PrintToString(seen);
}

TEST_F(ClaimsProcesses, AKilledProcessLeavesWhatTheNextCanMend) {
  const auto put_for_bob = [](VferryClaimPurpose purpose) {
    return [purpose](VferryClaims *claims) {
      return vferry_claims_put(claims, claim_of(vf(2), kBob, purpose).get(), nullptr);
    };
  };
  sweep(
      [&] {
        put(claim_of(vf(0), kAlice, VFERRY_CLAIM_RUNNING));
        put(claim_of(vf(1), kAlice, VFERRY_CLAIM_INCOMING, 60));
      },
      {
          [](VferryClaims *claims) {
            const VferryAddress address = vf(1);
            return !Claim(vferry_claims_lookup(claims, &address)) ||
                   vferry_claims_remove(claims, &address, kAlice, nullptr);
          },
          put_for_bob(VFERRY_CLAIM_INCOMING),
          put_for_bob(VFERRY_CLAIM_RUNNING),
          [](VferryClaims *claims) { return remove_all_of(claims, kAlice); },
      });
}

TEST_F(ClaimsProcesses, AProcessKilledAtTheVeryFirstClaimToo) {
  sweep([] {},
        {[](VferryClaims *claims) {
          return vferry_claims_put(claims, claim_of(vf(), kAlice).get(), nullptr);
        }});
}

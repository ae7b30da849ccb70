// SPDX-License-Identifier: LGPL-2.1-or-later
// The folder of claims: what is there after each call, and hostile files in it.
#include "claims_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

using Strings = std::vector<std::string>;

const std::string kAliceBound = std::string(kAlice) + " bound";
constexpr uid_t kOther = 65534;

void touch_fifo(const std::filesystem::path &path) {
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0) << path;
}

}  // namespace

class ClaimsFolder : public ClaimsTest {
 protected:
  // A file at 0000:01:10.0 that nobody can trust blocks that VF and no other; nothing removes it.
  void expect_blocked(const std::string &why) {
    const VferryAddress address = vf();
    const Claims claims = open();
    ASSERT_TRUE(claims);
    const Claim claim(vferry_claims_lookup(claims.get(), &address));
    ASSERT_TRUE(claim);
    ASSERT_NE(claim->problem, nullptr);
    expect_message(claim->problem, why);
    expect_message(claim->problem, path(address).string());

    Error error;
    EXPECT_FALSE(vferry_claims_put(claims.get(), claim_of(address, kAlice).get(), error.out()));
    EXPECT_TRUE(error.is(VFERRY_ERROR_INVALID));
    expect_message(error.text(), why);
    EXPECT_FALSE(vferry_claims_remove(claims.get(), &address, kAlice, error.out()));
    EXPECT_TRUE(error.is(VFERRY_ERROR_INVALID));
    EXPECT_EQ(shown(), Strings{"0000:01:10.0 ?"});

    EXPECT_TRUE(vferry_claims_put(claims.get(), claim_of(vf(1), kAlice).get(), error.out()));
    EXPECT_EQ(shown(), (Strings{"0000:01:10.0 ?", "0000:01:10.1 " + kAliceBound}));
  }
  void expect_refused(const std::string &why) {
    Error error;
    EXPECT_FALSE(Claims(vferry_claims_open(folder_.c_str(), 0, error.out())));
    EXPECT_TRUE(error.is(VFERRY_ERROR_REFUSED) || error.is(VFERRY_ERROR_FAILED)) << error.text();
    expect_message(error.text(), why);
  }
  void make_folder() { std::filesystem::create_directories(folder_); }
};

TEST_F(ClaimsFolder, AbsentIsEmptyAndOpeningMakesIt) {
  EXPECT_TRUE(shown().empty());
  EXPECT_FALSE(std::filesystem::exists(above_));
  EXPECT_TRUE(open());
  EXPECT_TRUE(std::filesystem::is_directory(folder_));
  EXPECT_TRUE(shown().empty());
}

TEST_F(ClaimsFolder, OnlyTheLastFolderAboveIsMade) {
  Error error;
  const std::string deep = root_ / "a" / "b" / "c";
  EXPECT_FALSE(Claims(vferry_claims_open(deep.c_str(), 0, error.out())));
  EXPECT_TRUE(error.is(VFERRY_ERROR_NOT_FOUND));
  expect_message(error.text(), root_ / "a" / "b");
}

TEST_F(ClaimsFolder, APutClaimIsThere) {
  const VferryAddress address = vf(), other = vf(1);
  const Claims claims = open();
  Error error;
  Claim claim = claim_of(address, kAlice, VFERRY_CLAIM_INCOMING, 60);
  claim->driver = g_strdup("igbvf");
  ASSERT_TRUE(vferry_claims_put(claims.get(), claim.get(), error.out())) << error.text();
  EXPECT_EQ(Claim(vferry_claims_lookup(claims.get(), &other)), nullptr);
  claim.reset(vferry_claims_lookup(claims.get(), &address));
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->problem, nullptr);
  EXPECT_STREQ(claim->driver, "igbvf");
  EXPECT_EQ(claim->lifetime, 60U);

  struct stat status = {};
  ASSERT_EQ(stat(path(address).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777 & ~0640U, 0U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".new"));
}

TEST_F(ClaimsFolder, ListsInOrderOfAddress) {
  for (const unsigned number : {70000U, 9U, 0U, 300U, 1U})
    put(claim_of(vf(number), kAlice));
  const Strings expected = {"0000:01:10.0 " + kAliceBound, "0000:01:10.1 " + kAliceBound,
                            "0000:01:11.1 " + kAliceBound, text_of(vf(300)) + " " + kAliceBound,
                            text_of(vf(70000)) + " " + kAliceBound};
  EXPECT_EQ(shown(), expected);
  Error error;
  const List all(vferry_claims_list(open().get(), error.out()));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->len, 5U);
}

TEST_F(ClaimsFolder, OnlyTheOwnerChangesAClaim) {
  const VferryAddress address = vf();
  const Claims claims = open();
  Error error;
  ASSERT_TRUE(vferry_claims_put(claims.get(), claim_of(address, kAlice).get(), error.out()));
  const std::string before = read_file(path(address));

  EXPECT_FALSE(vferry_claims_put(claims.get(), claim_of(address, kBob).get(), error.out()));
  EXPECT_TRUE(error.is(VFERRY_ERROR_BUSY));
  expect_message(error.text(), "VF 0000:01:10.0 is claimed by domain 'guest' (");
  EXPECT_FALSE(vferry_claims_remove(claims.get(), &address, kBob, error.out()));
  EXPECT_TRUE(error.is(VFERRY_ERROR_BUSY));
  EXPECT_EQ(read_file(path(address)), before);

  const Claim running = claim_of(address, kAlice, VFERRY_CLAIM_RUNNING);
  EXPECT_TRUE(vferry_claims_put(claims.get(), running.get(), error.out())) << error.text();
  EXPECT_EQ(shown(), Strings{"0000:01:10.0 " + std::string(kAlice) + " running"});
  EXPECT_TRUE(vferry_claims_remove(claims.get(), &address, kAlice, error.out()));
  EXPECT_TRUE(shown().empty());
  EXPECT_FALSE(vferry_claims_remove(claims.get(), &address, kAlice, error.out()));
  EXPECT_TRUE(error.is(VFERRY_ERROR_NOT_FOUND));
  expect_message(error.text(), "0000:01:10.0");
}

TEST_F(ClaimsFolder, ABadClaimChangesNothing) {
  const VferryAddress address = vf();
  put(claim_of(address, kAlice));
  const std::string before = read_file(path(address));
  Error error;
  const Claim bad = claim_of(address, kAlice, VFERRY_CLAIM_RUNNING, 1);
  EXPECT_FALSE(vferry_claims_put(open().get(), bad.get(), error.out()));
  EXPECT_TRUE(error.is(VFERRY_ERROR_INVALID));
  EXPECT_EQ(read_file(path(address)), before);
}

TEST_F(ClaimsFolder, AFullFileSystemChangesNothing) {
  const VferryAddress address = vf();
  put(claim_of(address, kAlice));
  const std::string before = read_file(path(address));
  const Claims claims = open();
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {100, old.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  Error error;
  const Claim running = claim_of(address, kAlice, VFERRY_CLAIM_RUNNING);
  const gboolean put = vferry_claims_put(claims.get(), running.get(), error.out());
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  EXPECT_FALSE(put);
  EXPECT_TRUE(error.is(VFERRY_ERROR_FAILED));
  expect_message(error.text(), path(address).string() + ": File too large");
  EXPECT_EQ(read_file(path(address)), before);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".new"));
}

// The folder is read once; what the lock's holder does himself he sees.
TEST_F(ClaimsFolder, TheListFollowsWhatItsHolderDoes) {
  put(claim_of(vf(1), kAlice));
  const Claims claims = open();
  const auto listed = [&] {
    const List all(vferry_claims_list(claims.get(), nullptr));
    Strings lines;
    for (guint i = 0; i < all->len; i++)
      lines.push_back(line(static_cast<const VferryClaim *>(g_ptr_array_index(all, i))));
    EXPECT_EQ(lines, shown());
    return lines.size();
  };
  const auto claimed = [&](const VferryAddress &address) {
    return Claim(vferry_claims_lookup(claims.get(), &address)) != nullptr;
  };
  const List before(vferry_claims_list(claims.get(), nullptr));
  const VferryAddress first = vf(0), second = vf(1);
  Error error;
  EXPECT_TRUE(vferry_claims_put(claims.get(), claim_of(first, kBob).get(), error.out()));
  EXPECT_EQ(listed(), 2U);
  EXPECT_TRUE(claimed(first));
  EXPECT_FALSE(vferry_claims_put(claims.get(), claim_of(first, kAlice).get(), error.out()));
  const Claim running = claim_of(second, kAlice, VFERRY_CLAIM_RUNNING);
  EXPECT_TRUE(vferry_claims_put(claims.get(), running.get(), error.out()));
  EXPECT_EQ(listed(), 2U);
  EXPECT_TRUE(vferry_claims_remove(claims.get(), &second, kAlice, error.out()));
  EXPECT_FALSE(claimed(second));
  EXPECT_FALSE(vferry_claims_remove(claims.get(), &second, kAlice, error.out()));
  EXPECT_EQ(listed(), 1U);
  // A list that was given out stays as it was.
  ASSERT_EQ(before->len, 1U);
  EXPECT_STREQ(static_cast<const VferryClaim *>(g_ptr_array_index(before, 0))->uuid, kAlice);
}

TEST_F(ClaimsFolder, KeepsKeysOfANewerVersion) {
  const VferryAddress address = vf();
  put(claim_of(address, kAlice));
  write_file(path(address), read_file(path(address)) + "numa-node=1\n");
  put(claim_of(address, kAlice, VFERRY_CLAIM_RUNNING));
  EXPECT_NE(read_file(path(address)).find("numa-node=1\n"), std::string::npos);
}

TEST_F(ClaimsFolder, OtherNamesArePassedOver) {
  make_folder();
  for (const char *name : {"README", ".0000:01:10.0", "0000:01:10.0~", "0000:01:1A.0", "01:10.0"})
    write_file(folder_ / name, "x");
  EXPECT_TRUE(open());
  EXPECT_TRUE(shown().empty());
}

TEST_F(ClaimsFolder, LeftoversGo) {
  make_folder();
  write_file(folder_ / ".new", "[claim]\nuuid=");
  put(claim_of(vf(), kAlice));
  EXPECT_EQ(shown(), Strings{"0000:01:10.0 " + kAliceBound});
}

TEST_F(ClaimsFolder, ATemporaryNameThatIsALinkIsNotFollowed) {
  make_folder();
  write_file(root_ / "victim", "precious");
  std::filesystem::create_symlink(root_ / "victim", folder_ / ".new");
  put(claim_of(vf(), kAlice));
  const Claims claims = open();
  // Even one that comes after the lock was taken.
  std::filesystem::create_symlink(root_ / "victim", folder_ / ".new");
  Error error;
  EXPECT_FALSE(vferry_claims_put(claims.get(), claim_of(vf(1), kAlice).get(), error.out()));
  EXPECT_TRUE(error.is(VFERRY_ERROR_FAILED));
  expect_message(error.text(), ".new");
  EXPECT_EQ(read_file(root_ / "victim"), "precious");
  EXPECT_EQ(shown(), Strings{"0000:01:10.0 " + kAliceBound});
}

TEST_F(ClaimsFolder, ATemporaryNameThatIsAFolderFailsAPutOnly) {
  std::filesystem::create_directories(folder_ / ".new");
  const Claims claims = open();
  ASSERT_TRUE(claims);
  Error error;
  EXPECT_FALSE(vferry_claims_put(claims.get(), claim_of(vf(), kAlice).get(), error.out()));
  expect_message(error.text(), ".new: File exists");
  EXPECT_TRUE(shown().empty());
}

TEST_F(ClaimsFolder, ASymbolicLinkBlocks) {
  put(claim_of(vf(), kAlice));
  std::filesystem::rename(path(vf()), root_ / "elsewhere");
  std::filesystem::create_symlink(root_ / "elsewhere", path(vf()));
  expect_blocked("it is a symbolic link");
  EXPECT_NE(read_file(root_ / "elsewhere"), "");
}

TEST_F(ClaimsFolder, ADanglingLinkBlocks) {
  make_folder();
  std::filesystem::create_symlink(root_ / "nowhere", path(vf()));
  expect_blocked("it is a symbolic link");
}

TEST_F(ClaimsFolder, AFifoBlocksTheVfAndNotTheReader) {
  make_folder();
  touch_fifo(path(vf()));
  expect_blocked("no plain file");
}

TEST_F(ClaimsFolder, AFolderBlocks) {
  std::filesystem::create_directories(path(vf()));
  expect_blocked("no plain file");
}

TEST_F(ClaimsFolder, ALargeFileBlocks) {
  put(claim_of(vf(), kAlice));
  write_file(path(vf()), read_file(path(vf())) + std::string(1 << 20, '\n'));
  expect_blocked("has more than 16384 bytes");
}

TEST_F(ClaimsFolder, GarbageBlocks) {
  make_folder();
  write_file(path(vf()), std::string("\x7f" "ELF\0\xff", 6));
  expect_blocked("no key file");
}

TEST_F(ClaimsFolder, AnEmptyFileBlocks) {
  make_folder();
  write_file(path(vf()), "");
  expect_blocked("'uuid'");
}

TEST_F(ClaimsFolder, AFileThatOthersWriteBlocks) {
  put(claim_of(vf(), kAlice));
  ASSERT_EQ(chmod(path(vf()).c_str(), 0660), 0);
  expect_blocked("no one else may write");
}

TEST_F(ClaimsFolder, AFileOfAnotherOwnerBlocks) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root can give files away";
  put(claim_of(vf(), kAlice));
  ASSERT_EQ(chown(path(vf()).c_str(), kOther, kOther), 0);
  expect_blocked("no plain file of root");
}

TEST_F(ClaimsFolder, AFolderThatOthersWriteIsRefused) {
  make_folder();
  for (const auto &folder : {folder_, above_}) {
    ASSERT_EQ(chmod(folder.c_str(), 0775), 0);
    expect_refused(folder.string() + " must belong to root");
    ASSERT_EQ(chmod(folder.c_str(), 0757), 0);
    expect_refused(folder.string() + " must belong to root");
    ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
  }
  ASSERT_EQ(chmod(folder_.c_str(), 0777), 0);
  Error error;
  EXPECT_FALSE(List(vferry_claims_snapshot(folder_.c_str(), error.out())));
  EXPECT_TRUE(error.is(VFERRY_ERROR_REFUSED));
}

TEST_F(ClaimsFolder, AFolderOfAnotherOwnerIsRefused) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root can give folders away";
  make_folder();
  for (const auto &folder : {folder_, above_}) {
    ASSERT_EQ(chown(folder.c_str(), kOther, kOther), 0);
    expect_refused(folder.string() + " must belong to root");
    ASSERT_EQ(chown(folder.c_str(), 0, 0), 0);
  }
}

TEST_F(ClaimsFolder, AFolderThatIsNoneIsRefused) {
  std::filesystem::create_directories(above_);
  write_file(folder_, "");
  expect_refused("Not a directory");
  std::filesystem::remove(folder_);
  std::filesystem::create_directories(root_ / "mine");
  std::filesystem::create_directory_symlink(root_ / "mine", folder_);
  expect_refused("Not a directory");
  Error error;
  EXPECT_FALSE(List(vferry_claims_snapshot(folder_.c_str(), error.out())));
  EXPECT_TRUE(error.is(VFERRY_ERROR_FAILED));
}

TEST_F(ClaimsFolder, ALockThatOthersCouldHoldIsRefused) {
  std::filesystem::create_directories(above_);
  const auto lock = above_ / "lock";
  write_file(lock, "");
  ASSERT_EQ(chmod(lock.c_str(), 0644), 0);
  expect_refused("lock must be a plain file of root");
  if (geteuid() == 0) {
    ASSERT_EQ(chmod(lock.c_str(), 0600), 0);
    ASSERT_EQ(chown(lock.c_str(), kOther, kOther), 0);
    expect_refused("lock must be a plain file of root");
  }
  std::filesystem::remove(lock);
  touch_fifo(lock);
  expect_refused("lock must be a plain file of root");
  std::filesystem::remove(lock);
  write_file(root_ / "victim", "precious");
  std::filesystem::create_symlink(root_ / "victim", lock);
  expect_refused("lock: it is a symbolic link");
  EXPECT_EQ(read_file(root_ / "victim"), "precious");
  std::filesystem::remove(lock);
  std::filesystem::create_directory(lock);
  expect_refused("lock: Is a directory");
}

TEST_F(ClaimsFolder, ASnapshotNeedsNoLockAndNoRights) {
  put(claim_of(vf(), kAlice));
  const Claims held = open();
  EXPECT_EQ(shown(), Strings{"0000:01:10.0 " + kAliceBound});
  if (geteuid() != 0)
    GTEST_SKIP() << "only root can become another user";
  ASSERT_EQ(chmod(root_.c_str(), 0755), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(kOther) != 0 || setuid(kOther) != 0)
      _exit(2);
    const bool good = shown() == Strings{"0000:01:10.0 ?"};
    _exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

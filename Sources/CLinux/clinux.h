/* What the Glibc overlay lacks: libsystemd, and kernel headers with their macros as functions. */
#ifndef GRANTWATCH_CLINUX_H
#define GRANTWATCH_CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <malloc.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* Constants and calls that glibc shows only under _GNU_SOURCE, which clashes with Swift's Glibc. */
enum {
  CLINUX_O_PATH = 010000000,
  CLINUX_AT_EMPTY_PATH = 0x1000,
  CLINUX_AT_SYMLINK_NOFOLLOW = 0x100,
  CLINUX_AT_STATX_DONT_SYNC = 0x4000,
  CLINUX_FALLOC_FL_KEEP_SIZE = 1,
  CLINUX_F_OFD_SETLK = 37,
  CLINUX_RENAME_NOREPLACE = 1,
};

/* struct ucred of unix(7). */
struct clinux_ucred {
  int32_t pid;
  uint32_t uid;
  uint32_t gid;
};

/* struct file_handle of open_by_handle_at(2), with room for the largest handle. */
struct clinux_file_handle {
  uint32_t handle_bytes;
  int32_t handle_type;
  unsigned char f_handle[128];
};

/* openat2(2) has no wrapper in glibc. */
static inline int clinux_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
                                 uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static inline int clinux_statx(int dir, const char *path, int flags, unsigned mask,
                               struct statx *out) {
  return (int)syscall(SYS_statx, dir, path, flags, mask, out);
}

// The mount that an open file lies on (stx_mnt_id), without asking a file server; 0 when the kernel
// does not say.
static inline unsigned long long clinux_mount_id(int file) {
  union {
    unsigned char bytes[256];
    unsigned mask;
  } out;
  unsigned long long id = 0;
  if (syscall(SYS_statx, file, "", CLINUX_AT_EMPTY_PATH | CLINUX_AT_STATX_DONT_SYNC, 0x1000u, &out) != 0) return 0;
  if (!(out.mask & 0x1000u)) return 0;
  __builtin_memcpy(&id, out.bytes + 144, sizeof id);
  return id;
}

static inline int clinux_open_by_handle_at(int mount, void *handle, int flags) {
  return (int)syscall(SYS_open_by_handle_at, mount, handle, flags);
}

static inline int clinux_name_to_handle_at(int dir, const char *path, void *handle, int *mount,
                                           int flags) {
  return (int)syscall(SYS_name_to_handle_at, dir, path, handle, mount, flags);
}

static inline int clinux_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static inline int clinux_pidfd_send_signal(int pidfd, int number) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, number, 0, 0);
}

static inline int clinux_accept4(int socket, int flags) {
  return (int)syscall(SYS_accept4, socket, 0, 0, flags);
}

static inline int clinux_pipe2(int *ends, int flags) { return (int)syscall(SYS_pipe2, ends, flags); }

static inline int clinux_fallocate(int file, int mode, int64_t offset, int64_t length) {
  return (int)syscall(SYS_fallocate, file, mode, offset, length);
}

static inline int clinux_renameat2(int from_dir, const char *from, int to_dir, const char *to,
                                   unsigned flags) {
  return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

static inline int clinux_timerfd_create(int clock, int flags) {
  return (int)syscall(SYS_timerfd_create, clock, flags);
}

/* SO_PEERCRED of unix(7). */
static inline int clinux_peer_credentials(int socket, struct clinux_ucred *out) {
  socklen_t length = sizeof *out;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, out, &length);
}

/* SO_PEERPIDFD, since Linux 6.5: a descriptor of the very process that connected. */
static inline int clinux_peer_pidfd(int socket) {
  int pidfd = -1;
  socklen_t length = sizeof pidfd;
  return getsockopt(socket, SOL_SOCKET, 77, &pidfd, &length) == 0 ? pidfd : -1;
}

/* recv(2) that says which process sent the bytes: SCM_CREDENTIALS of unix(7), where SO_PASSCRED is
 * set; 0 where the kernel does not say. One call never mixes senders. Descriptors that come along are
 * closed by the kernel, for there is no room for them. */
static inline int64_t clinux_receive(int socket, void *out, uint64_t room, int32_t *sender) {
  union {
    struct cmsghdr header;
    unsigned char bytes[CMSG_SPACE(sizeof(struct clinux_ucred))];
  } control;
  struct iovec place = {.iov_base = out, .iov_len = room};
  struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = sizeof control};
  *sender = 0;
  int64_t count = recvmsg(socket, &message, 0);
  if (count < 0) return count;
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == 2 &&
      part->cmsg_len == CMSG_LEN(sizeof(struct clinux_ucred))) {
    struct clinux_ucred credentials;
    __builtin_memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
    *sender = credentials.pid;
  }
  return count;
}

/* prctl(2) is variadic. Nobody but root may then trace the process, read its memory and environment or
 * take its descriptors, and no core of it is written (PR_SET_DUMPABLE). Lasts until it runs another
 * program. */
static inline int clinux_hide_memory(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* In glibc since 2.29 and 2.34, shown only under _GNU_SOURCE. */
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions,
                                                const char *path);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

static inline int64_t clinux_getdents64(int directory, void *out, uint64_t room) {
  return syscall(SYS_getdents64, directory, out, room);
}

/* f_fsid and f_type of statfs(2); sys/vfs.h is not part of Swift's Glibc. */
static inline int clinux_filesystem(int file, uint64_t *id, uint32_t *magic) {
  struct statfs raw;
  int result = fstatfs(file, &raw);
  if (result == 0) {
    *id = (uint32_t)raw.f_fsid.__val[0] | (uint64_t)(uint32_t)raw.f_fsid.__val[1] << 32;
    *magic = (uint32_t)raw.f_type;
  }
  return result;
}

/* A child that ends at once, sharing the caller's memory until then: the cheapest fork(2) there is. */
static inline int clinux_fork_nothing(void) {
  int child = vfork();
  if (child == 0) _exit(0);
  return child;
}

/* sd-bus writes and reads messages by variadic functions, which Swift cannot call. The arguments of
 * CheckAuthorization of org.freedesktop.PolicyKit1.Authority, for the subject "unix-process": */
static inline int clinux_append_authorization(sd_bus_message *call, uint32_t pid, uint64_t start,
                                              int32_t uid, const char *action,
                                              const char *message, uint32_t flags) {
  int result = sd_bus_message_append(call, "(sa{sv})s", "unix-process", 3, "pid", "u", pid,
                                     "start-time", "t", start, "uid", "i", uid, action);
  if (result < 0) return result;
  result = message ? sd_bus_message_append(call, "a{ss}", 1, "polkit.message", message)
                   : sd_bus_message_append(call, "a{ss}", 0);
  if (result < 0) return result;
  return sd_bus_message_append(call, "us", flags, "");
}

/* Its answer: is_authorized, is_challenge. The details behind them are left. */
static inline int clinux_read_authorization(sd_bus_message *reply, int *authorized,
                                            int *challenge) {
  int result = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
  if (result < 0) return result;
  return sd_bus_message_read(reply, "bb", authorized, challenge);
}

#endif

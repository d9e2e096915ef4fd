/**
 * The C library: every symbol that weft calls, opened at first use and once per thread.
 *
 * A worker has its own copy of this module, and with it its own symbols and its own view of `errno`.
 * Calls of the hot path take addresses and lengths as `u32` and return `i32`: V8 compiles those to a direct call.
 * All addresses given to them lie in an {@link Arena}, below 2 GiB. Set-up calls take `buffer`s.
 *
 * @module
 */

/** What weft calls in libc; the comment of each parameter is its C type and name. */
export const SYMBOLS = {
  // ---- hot path: addresses inside the arena ----
  read: {
    parameters: ["i32", /* int fd */ "u32", /* void *buf */ "u32" /* size_t count */],
    result: "i32", /* ssize_t */
  },
  write: {
    parameters: ["i32", /* int fd */ "u32", /* const void *buf */ "u32" /* size_t count */],
    result: "i32", /* ssize_t */
  },
  writev: {
    parameters: ["i32", /* int fd */ "u32", /* const struct iovec *iov */ "i32" /* int iovcnt */],
    result: "i32", /* ssize_t */
  },
  recvmsg: {
    parameters: ["i32", /* int fd */ "u32", /* struct msghdr *msg */ "i32" /* int flags */],
    result: "i32", /* ssize_t */
  },
  recvmmsg: {
    parameters: [
      "i32", /* int fd */
      "u32", /* struct mmsghdr *msgvec */
      "u32", /* unsigned int vlen */
      "i32", /* int flags */
      "u32", /* struct timespec *timeout */
    ],
    result: "i32",
  },
  sendmmsg: {
    parameters: [
      "i32", /* int fd */
      "u32", /* struct mmsghdr *msgvec */
      "u32", /* unsigned int vlen */
      "i32", /* int flags */
    ],
    result: "i32",
  },
  epoll_wait: {
    parameters: [
      "i32", /* int epfd */
      "u32", /* struct epoll_event *events */
      "i32", /* int maxevents */
      "i32", /* int timeout */
    ],
    result: "i32",
  },
  clock_gettime: {
    parameters: ["i32", /* clockid_t clockid */ "u32" /* struct timespec *tp */],
    result: "i32",
  },
  memcpy: {
    parameters: ["u32", /* void *dest */ "u32", /* const void *src */ "u32" /* size_t n */],
    result: "void", /* void *, equal to dest */
  },
  sched_yield: { parameters: [], result: "i32" },
  usleep: { parameters: ["u32" /* useconds_t usec */], result: "i32" },
  setsockoptAt: {
    name: "setsockopt",
    parameters: [
      "i32", /* int sockfd */
      "i32", /* int level */
      "i32", /* int optname */
      "u32", /* const void *optval */
      "u32", /* socklen_t optlen */
    ],
    result: "i32",
  },

  // ---- errno ----
  __errno_location: { parameters: [], result: "pointer" /* int * */ },

  // ---- files ----
  open: {
    parameters: ["buffer", /* const char *pathname */ "i32", /* int flags */ "u32" /* mode_t */],
    result: "i32",
  },
  close: { parameters: ["i32" /* int fd */], result: "i32" },
  readBuffer: {
    name: "read",
    parameters: ["i32", /* int fd */ "buffer", /* void *buf */ "u32" /* size_t count */],
    result: "i32", /* ssize_t */
  },
  writeBuffer: {
    name: "write",
    parameters: ["i32", /* int fd */ "buffer", /* const void *buf */ "u32" /* size_t count */],
    result: "i32", /* ssize_t */
  },
  ioctlBuffer: {
    name: "ioctl",
    parameters: ["i32", /* int fd */ "u64", /* unsigned long request */ "buffer" /* void *arg */],
    result: "i32",
  },
  ioctlValue: {
    name: "ioctl",
    parameters: ["i32", /* int fd */ "u64", /* unsigned long request */ "u64" /* unsigned long */],
    result: "i32",
  },
  readlink: {
    parameters: [
      "buffer", /* const char *pathname */
      "buffer", /* char *buf */
      "u32", /* size_t bufsiz */
    ],
    result: "i32", /* ssize_t */
  },
  unlink: { parameters: ["buffer" /* const char *pathname */], result: "i32" },
  access: {
    parameters: ["buffer", /* const char *pathname */ "i32" /* int mode */],
    result: "i32",
  },
  getdents64: {
    parameters: ["i32", /* int fd */ "buffer", /* void *dirp */ "u32" /* size_t count */],
    result: "i32", /* ssize_t */
  },
  dup2: { parameters: ["i32", /* int oldfd */ "i32" /* int newfd */], result: "i32" },

  // ---- sockets ----
  socket: {
    parameters: ["i32", /* int domain */ "i32", /* int type */ "i32" /* int protocol */],
    result: "i32",
  },
  bind: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* const struct sockaddr *addr */
      "u32", /* socklen_t addrlen */
    ],
    result: "i32",
  },
  connect: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* const struct sockaddr *addr */
      "u32", /* socklen_t addrlen */
    ],
    result: "i32",
  },
  getsockname: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* struct sockaddr *addr */
      "buffer", /* socklen_t *addrlen */
    ],
    result: "i32",
  },
  fcntl: {
    parameters: ["i32", /* int fd */ "i32", /* int cmd */ "i32" /* int arg */],
    result: "i32",
  },
  setsockopt: {
    parameters: [
      "i32", /* int sockfd */
      "i32", /* int level */
      "i32", /* int optname */
      "buffer", /* const void *optval */
      "u32", /* socklen_t optlen */
    ],
    result: "i32",
  },
  getsockopt: {
    parameters: [
      "i32", /* int sockfd */
      "i32", /* int level */
      "i32", /* int optname */
      "buffer", /* void *optval */
      "buffer", /* socklen_t *optlen */
    ],
    result: "i32",
  },
  send: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* const void *buf */
      "u32", /* size_t len */
      "i32", /* int flags */
    ],
    result: "i32", /* ssize_t */
  },
  sendto: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* const void *buf */
      "u32", /* size_t len */
      "i32", /* int flags */
      "buffer", /* const struct sockaddr *dest_addr */
      "u32", /* socklen_t addrlen */
    ],
    result: "i32", /* ssize_t */
  },
  recv: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* void *buf */
      "u32", /* size_t len */
      "i32", /* int flags */
    ],
    result: "i32", /* ssize_t */
  },
  recvfrom: {
    parameters: [
      "i32", /* int sockfd */
      "buffer", /* void *buf */
      "u32", /* size_t len */
      "i32", /* int flags */
      "buffer", /* struct sockaddr *src_addr */
      "buffer", /* socklen_t *addrlen */
    ],
    result: "i32", /* ssize_t */
  },
  poll: {
    parameters: [
      "buffer", /* struct pollfd *fds */
      "u64", /* nfds_t nfds */
      "i32", /* int timeout */
    ],
    result: "i32",
  },

  // ---- events ----
  epoll_create1: { parameters: ["i32" /* int flags */], result: "i32" },
  epoll_ctl: {
    parameters: [
      "i32", /* int epfd */
      "i32", /* int op */
      "i32", /* int fd */
      "u32", /* struct epoll_event *event */
    ],
    result: "i32",
  },
  eventfd: { parameters: ["u32", /* unsigned int initval */ "i32" /* int flags */], result: "i32" },

  // ---- memory ----
  mmap: {
    parameters: [
      "usize", /* void *addr */
      "usize", /* size_t length */
      "i32", /* int prot */
      "i32", /* int flags */
      "i32", /* int fd */
      "i64", /* off_t offset */
    ],
    result: "usize", /* void * */
  },
  munmap: { parameters: ["usize", /* void *addr */ "usize" /* size_t length */], result: "i32" },

  // ---- namespaces ----
  setns: { parameters: ["i32", /* int fd */ "i32" /* int nstype */], result: "i32" },
  unshare: { parameters: ["i32" /* int flags */], result: "i32" },

  // ---- processes and threads ----
  geteuid: { parameters: [], result: "u32" /* uid_t */ },
  getpid: { parameters: [], result: "i32" /* pid_t */ },
  gettid: { parameters: [], result: "i32" /* pid_t */ },
  setsid: { parameters: [], result: "i32" /* pid_t */ },
  kill: { parameters: ["i32", /* pid_t pid */ "i32" /* int sig */], result: "i32" },
  _exit: { parameters: ["i32" /* int status */], result: "void" },
  setpriority: {
    parameters: ["i32", /* int which */ "u32", /* id_t who */ "i32" /* int prio */],
    result: "i32",
  },
  sched_setscheduler: {
    parameters: [
      "i32", /* pid_t pid */
      "i32", /* int policy */
      "buffer", /* const struct sched_param *param */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The symbols of libc as functions. */
export type Libc = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/** Where a library is looked for. */
export interface LibraryPlace {
  /** Name for messages, as "libsodium". */
  readonly name: string;
  /** Names and paths to try, in order. A bare name is found by the system's loader. */
  readonly paths: readonly string[];
  /** Debian package that holds it. */
  readonly debianPackage: string;
}

const LIBC: LibraryPlace = {
  name: "the C library",
  paths: [
    "libc.so.6",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
  ],
  debianPackage: "libc6",
};

/**
 * Opens a shared library under the first name that works.
 *
 * @param place where to look
 * @param symbols what to bind
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`
 * @throws {Error} naming every path tried and the package to install
 */
export function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  place: LibraryPlace,
  symbols: S,
): Deno.StaticForeignLibraryInterface<S> {
  const failures: string[] = [];
  for (const path of place.paths) {
    try {
      return Deno.dlopen(path, symbols).symbols;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      failures.push(`${path} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  throw new Error(
    `Cannot open ${place.name}: tried ${failures.join(", ")}; ` +
      `install the Debian package ${place.debianPackage} or its like`,
  );
}

let opened: Libc | undefined;
let errnoCell = new Int32Array(1);

/**
 * Returns the C library of this thread; opens it when called for the first time.
 *
 * @throws {Error} if it cannot be opened; the message names the paths tried
 */
export function libc(): Libc {
  if (opened === undefined) {
    const symbols = openLibrary(LIBC, SYMBOLS);
    const cell = symbols.__errno_location();
    if (cell === null) throw new Error("Cannot read errno: __errno_location returned null");
    // errno is thread-local; so is this module. The view is made before the first call that may fail.
    errnoCell = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(cell, 4));
    opened = symbols;
  }
  return opened;
}

/** Returns `errno` of this thread. Only meaningful right after a libc call that failed. */
export function errno(): number {
  return errnoCell[0] ?? 0;
}

/** Turns a -1 of a call just made into -errno; other results pass. */
export function orErrno(result: number): number {
  return result < 0 ? -(errnoCell[0] ?? 0) : result;
}

/** Returns a string as bytes ended by NUL. @throws {TypeError} if it holds a NUL, which would cut it short */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError(`Cannot pass ${JSON.stringify(text)}: it holds NUL`);
  return new TextEncoder().encode(`${text}\0`);
}

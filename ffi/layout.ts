/**
 * C structs as offsets and sizes in bytes; little-endian hosts, 64 bit.
 *
 * `layout_test.ts` compares them with what `scripts/layouts.c` prints. Fields that weft does not use are left out.
 *
 * @module
 */

/** `struct ifreq { char ifr_name[16]; union { short flags; int ifindex; int mtu; struct sockaddr hwaddr; … } }` (`linux/if.h`) */
export const IFREQ = { size: 40, name: 0, flags: 16, ifindex: 16, hwaddr: 16 } as const;

/** `struct pollfd { int fd; short events; short revents; }` (`poll.h`) */
export const POLLFD = { size: 8, fd: 0, events: 4, revents: 6 } as const;

/** `struct epoll_event { uint32_t events; epoll_data_t data; }`, packed on x86-64 alone (`sys/epoll.h`) */
export const EPOLL_EVENT: {
  readonly size: number;
  readonly events: number;
  readonly data: number;
} = Deno.build.arch === "x86_64"
  ? { size: 12, events: 0, data: 4 }
  : { size: 16, events: 0, data: 8 };

/** `struct timespec { time_t tv_sec; long tv_nsec; }` (`time.h`) */
export const TIMESPEC = { size: 16, sec: 0, nsec: 8 } as const;

/** `struct iovec { void *iov_base; size_t iov_len; }` (`sys/uio.h`) */
export const IOVEC = { size: 16, base: 0, len: 8 } as const;

/** `struct msghdr { void *name; socklen_t namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; }` (`sys/socket.h`) */
export const MSGHDR = {
  size: 56,
  name: 0,
  namelen: 8,
  iov: 16,
  iovlen: 24,
  control: 32,
  controllen: 40,
  flags: 48,
} as const;

/** `struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; }` (`sys/socket.h`) */
export const MMSGHDR = { size: 64, hdr: 0, len: 56 } as const;

/** `struct cmsghdr { size_t cmsg_len; int cmsg_level; int cmsg_type; }`, data behind it (`sys/socket.h`) */
export const CMSGHDR = { size: 16, len: 0, level: 8, type: 12 } as const;

/** `struct sockaddr_in { sa_family_t family; in_port_t port; struct in_addr addr; char zero[8]; }` (`netinet/in.h`) */
export const SOCKADDR_IN = { size: 16, family: 0, port: 2, addr: 4 } as const;

/** `struct sockaddr_in6 { family; port; uint32_t flowinfo; struct in6_addr addr; uint32_t scope_id; }` (`netinet/in.h`) */
export const SOCKADDR_IN6 = {
  size: 28,
  family: 0,
  port: 2,
  flowinfo: 4,
  addr: 8,
  scopeId: 24,
} as const;

/** `struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; }` (`sys/un.h`) */
export const SOCKADDR_UN = { size: 110, family: 0, path: 2 } as const;

/** `struct sockaddr_ll { ushort family; __be16 protocol; int ifindex; ushort hatype; uchar pkttype; uchar halen; uchar addr[8]; }` (`linux/if_packet.h`) */
export const SOCKADDR_LL = {
  size: 20,
  family: 0,
  protocol: 2,
  ifindex: 4,
  hatype: 8,
  pkttype: 10,
  halen: 11,
  addr: 12,
} as const;

/** `struct sockaddr_nl { sa_family_t family; unsigned short pad; __u32 pid; __u32 groups; }` (`linux/netlink.h`) */
export const SOCKADDR_NL = { size: 12, family: 0, pid: 4, groups: 8 } as const;

/** `struct sock_extended_err { __u32 errno; __u8 origin, type, code, pad; __u32 info, data; }` (`linux/errqueue.h`) */
export const SOCK_EXTENDED_ERR = {
  size: 16,
  errno: 0,
  origin: 4,
  type: 5,
  code: 6,
  info: 8,
  data: 12,
} as const;

/** `struct virtio_net_hdr { __u8 flags, gso_type; __u16 hdr_len, gso_size, csum_start, csum_offset; }` (`linux/virtio_net.h`) */
export const VIRTIO_NET_HDR = {
  size: 10,
  flags: 0,
  gsoType: 1,
  hdrLen: 2,
  gsoSize: 4,
  csumStart: 6,
  csumOffset: 8,
} as const;

/** `struct dirent64 { ino64_t d_ino; off64_t d_off; unsigned short d_reclen; unsigned char d_type; char d_name[]; }` (`dirent.h`) */
export const DIRENT64 = { ino: 0, off: 8, reclen: 16, type: 18, name: 19 } as const;

/** `struct sched_param { int sched_priority; }` (`sched.h`) */
export const SCHED_PARAM = { size: 4, priority: 0 } as const;

/** `struct nlmsghdr { __u32 len; __u16 type, flags; __u32 seq, pid; }` (`linux/netlink.h`) */
export const NLMSGHDR = { size: 16, len: 0, type: 4, flags: 6, seq: 8, pid: 12 } as const;

/** `struct nlmsgerr { int error; struct nlmsghdr msg; }` (`linux/netlink.h`) */
export const NLMSGERR = { size: 20, error: 0, msg: 4 } as const;

/** `struct rtattr { unsigned short rta_len, rta_type; }` (`linux/rtnetlink.h`) */
export const RTATTR = { size: 4, len: 0, type: 2 } as const;

/** `struct ifinfomsg { uchar family, pad; ushort type; int index; unsigned flags, change; }` (`linux/rtnetlink.h`) */
export const IFINFOMSG = { size: 16, family: 0, type: 2, index: 4, flags: 8, change: 12 } as const;

/** `struct ifaddrmsg { __u8 family, prefixlen, flags, scope; __u32 index; }` (`linux/if_addr.h`) */
export const IFADDRMSG = {
  size: 8,
  family: 0,
  prefixlen: 1,
  flags: 2,
  scope: 3,
  index: 4,
} as const;

/** `struct rtmsg { uchar family, dst_len, src_len, tos, table, protocol, scope, type; unsigned flags; }` (`linux/rtnetlink.h`) */
export const RTMSG = {
  size: 12,
  family: 0,
  dstLen: 1,
  srcLen: 2,
  tos: 3,
  table: 4,
  protocol: 5,
  scope: 6,
  type: 7,
  flags: 8,
} as const;

/** `struct ndmsg { __u8 family, pad1; __u16 pad2; __s32 ifindex; __u16 state; __u8 flags, type; }` (`linux/neighbour.h`) */
export const NDMSG = { size: 12, family: 0, ifindex: 4, state: 8, flags: 10, type: 11 } as const;

/*
 * Prints the sizes and offsets of the C structs that ffi/layout.ts declares, as the TypeScript module
 * ffi/layout_expected.ts. Run on x86-64 Linux with glibc:
 *
 *   gcc -o /tmp/layouts scripts/layouts.c && /tmp/layouts > ffi/layout_expected.ts
 *
 * ffi/layout_test.ts compares; the system test compiles this again where gcc is installed.
 */
#define _GNU_SOURCE
#include <time.h> /* before linux/errqueue.h, which needs struct timespec */

#include <dirent.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static void begin(const char *name) { printf("  %s: {\n", name); }
static void field(const char *name, size_t value) { printf("    %s: %zu,\n", name, value); }
static void end(void) { printf("  },\n"); }

#define SIZE(type) field("size", sizeof(type))
#define AT(type, member, name) field(name, offsetof(type, member))

static void print_files(void) {
  begin("IFREQ");
  SIZE(struct ifreq);
  AT(struct ifreq, ifr_name, "name");
  AT(struct ifreq, ifr_flags, "flags");
  AT(struct ifreq, ifr_ifindex, "ifindex");
  AT(struct ifreq, ifr_hwaddr, "hwaddr");
  end();
  begin("POLLFD");
  SIZE(struct pollfd);
  AT(struct pollfd, fd, "fd");
  AT(struct pollfd, events, "events");
  AT(struct pollfd, revents, "revents");
  end();
  begin("EPOLL_EVENT");
  SIZE(struct epoll_event);
  AT(struct epoll_event, events, "events");
  AT(struct epoll_event, data, "data");
  end();
  begin("TIMESPEC");
  SIZE(struct timespec);
  AT(struct timespec, tv_sec, "sec");
  AT(struct timespec, tv_nsec, "nsec");
  end();
  begin("DIRENT64");
  AT(struct dirent64, d_ino, "ino");
  AT(struct dirent64, d_off, "off");
  AT(struct dirent64, d_reclen, "reclen");
  AT(struct dirent64, d_type, "type");
  AT(struct dirent64, d_name, "name");
  end();
  begin("SCHED_PARAM");
  SIZE(struct sched_param);
  AT(struct sched_param, sched_priority, "priority");
  end();
}

static void print_messages(void) {
  begin("IOVEC");
  SIZE(struct iovec);
  AT(struct iovec, iov_base, "base");
  AT(struct iovec, iov_len, "len");
  end();
  begin("MSGHDR");
  SIZE(struct msghdr);
  AT(struct msghdr, msg_name, "name");
  AT(struct msghdr, msg_namelen, "namelen");
  AT(struct msghdr, msg_iov, "iov");
  AT(struct msghdr, msg_iovlen, "iovlen");
  AT(struct msghdr, msg_control, "control");
  AT(struct msghdr, msg_controllen, "controllen");
  AT(struct msghdr, msg_flags, "flags");
  end();
  begin("MMSGHDR");
  SIZE(struct mmsghdr);
  AT(struct mmsghdr, msg_hdr, "hdr");
  AT(struct mmsghdr, msg_len, "len");
  end();
  begin("CMSGHDR");
  SIZE(struct cmsghdr);
  AT(struct cmsghdr, cmsg_len, "len");
  AT(struct cmsghdr, cmsg_level, "level");
  AT(struct cmsghdr, cmsg_type, "type");
  end();
  begin("SOCK_EXTENDED_ERR");
  SIZE(struct sock_extended_err);
  AT(struct sock_extended_err, ee_errno, "errno");
  AT(struct sock_extended_err, ee_origin, "origin");
  AT(struct sock_extended_err, ee_type, "type");
  AT(struct sock_extended_err, ee_code, "code");
  AT(struct sock_extended_err, ee_info, "info");
  AT(struct sock_extended_err, ee_data, "data");
  end();
  begin("VIRTIO_NET_HDR");
  SIZE(struct virtio_net_hdr);
  AT(struct virtio_net_hdr, flags, "flags");
  AT(struct virtio_net_hdr, gso_type, "gsoType");
  AT(struct virtio_net_hdr, hdr_len, "hdrLen");
  AT(struct virtio_net_hdr, gso_size, "gsoSize");
  AT(struct virtio_net_hdr, csum_start, "csumStart");
  AT(struct virtio_net_hdr, csum_offset, "csumOffset");
  end();
}

static void print_addresses(void) {
  begin("SOCKADDR_IN");
  SIZE(struct sockaddr_in);
  AT(struct sockaddr_in, sin_family, "family");
  AT(struct sockaddr_in, sin_port, "port");
  AT(struct sockaddr_in, sin_addr, "addr");
  end();
  begin("SOCKADDR_IN6");
  SIZE(struct sockaddr_in6);
  AT(struct sockaddr_in6, sin6_family, "family");
  AT(struct sockaddr_in6, sin6_port, "port");
  AT(struct sockaddr_in6, sin6_flowinfo, "flowinfo");
  AT(struct sockaddr_in6, sin6_addr, "addr");
  AT(struct sockaddr_in6, sin6_scope_id, "scopeId");
  end();
  begin("SOCKADDR_UN");
  SIZE(struct sockaddr_un);
  AT(struct sockaddr_un, sun_family, "family");
  AT(struct sockaddr_un, sun_path, "path");
  end();
  begin("SOCKADDR_LL");
  SIZE(struct sockaddr_ll);
  AT(struct sockaddr_ll, sll_family, "family");
  AT(struct sockaddr_ll, sll_protocol, "protocol");
  AT(struct sockaddr_ll, sll_ifindex, "ifindex");
  AT(struct sockaddr_ll, sll_hatype, "hatype");
  AT(struct sockaddr_ll, sll_pkttype, "pkttype");
  AT(struct sockaddr_ll, sll_halen, "halen");
  AT(struct sockaddr_ll, sll_addr, "addr");
  end();
  begin("SOCKADDR_NL");
  SIZE(struct sockaddr_nl);
  AT(struct sockaddr_nl, nl_family, "family");
  AT(struct sockaddr_nl, nl_pid, "pid");
  AT(struct sockaddr_nl, nl_groups, "groups");
  end();
}

static void print_netlink(void) {
  begin("NLMSGHDR");
  SIZE(struct nlmsghdr);
  AT(struct nlmsghdr, nlmsg_len, "len");
  AT(struct nlmsghdr, nlmsg_type, "type");
  AT(struct nlmsghdr, nlmsg_flags, "flags");
  AT(struct nlmsghdr, nlmsg_seq, "seq");
  AT(struct nlmsghdr, nlmsg_pid, "pid");
  end();
  begin("NLMSGERR");
  SIZE(struct nlmsgerr);
  AT(struct nlmsgerr, error, "error");
  AT(struct nlmsgerr, msg, "msg");
  end();
  begin("RTATTR");
  SIZE(struct rtattr);
  AT(struct rtattr, rta_len, "len");
  AT(struct rtattr, rta_type, "type");
  end();
  begin("IFINFOMSG");
  SIZE(struct ifinfomsg);
  AT(struct ifinfomsg, ifi_family, "family");
  AT(struct ifinfomsg, ifi_type, "type");
  AT(struct ifinfomsg, ifi_index, "index");
  AT(struct ifinfomsg, ifi_flags, "flags");
  AT(struct ifinfomsg, ifi_change, "change");
  end();
  begin("IFADDRMSG");
  SIZE(struct ifaddrmsg);
  AT(struct ifaddrmsg, ifa_family, "family");
  AT(struct ifaddrmsg, ifa_prefixlen, "prefixlen");
  AT(struct ifaddrmsg, ifa_flags, "flags");
  AT(struct ifaddrmsg, ifa_scope, "scope");
  AT(struct ifaddrmsg, ifa_index, "index");
  end();
  begin("RTMSG");
  SIZE(struct rtmsg);
  AT(struct rtmsg, rtm_family, "family");
  AT(struct rtmsg, rtm_dst_len, "dstLen");
  AT(struct rtmsg, rtm_src_len, "srcLen");
  AT(struct rtmsg, rtm_tos, "tos");
  AT(struct rtmsg, rtm_table, "table");
  AT(struct rtmsg, rtm_protocol, "protocol");
  AT(struct rtmsg, rtm_scope, "scope");
  AT(struct rtmsg, rtm_type, "type");
  AT(struct rtmsg, rtm_flags, "flags");
  end();
  begin("NDMSG");
  SIZE(struct ndmsg);
  AT(struct ndmsg, ndm_family, "family");
  AT(struct ndmsg, ndm_ifindex, "ifindex");
  AT(struct ndmsg, ndm_state, "state");
  AT(struct ndmsg, ndm_flags, "flags");
  AT(struct ndmsg, ndm_type, "type");
  end();
}

int main(void) {
  printf("/**\n * What a C compiler says of the structs in layout.ts, on x86-64: printed by `scripts/layouts.c`.\n"
         " *\n * @module\n */\n\n"
         "/** Struct -> field -> offset in bytes; `size` is the size of the struct. */\n"
         "export const EXPECTED: Readonly<Record<string, Readonly<Record<string, number>>>> = {\n");
  print_files();
  print_messages();
  print_addresses();
  print_netlink();
  printf("};\n");
  return 0;
}

/* A stand-in for a VNF: echoes UDP on port 7 and serves a page on port 80.
 *
 * Each answer tells a count of echoes and the guest's uptime, so that a reset shows although the guest answers.
 *   vnf NAME          serve for ever
 *   vnf --read FILE   print what a config drive says: ADDRESS/PREFIX HOSTNAME ("-" where it says nothing)
 * One thread, nothing blocks: a slow HTTP client never delays an echo.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 32, LISTENER = 1, FIRST = 2, LONGEST_S = 5, DRIVE = 1 << 20 };

static double uptime(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The value of a key in JSON that lies uncompressed somewhere in a buffer. */
static int value(const char *data, size_t size, const char *key, char *out, size_t room) {
  char wanted[64];
  int length = snprintf(wanted, sizeof wanted, "\"%s\": \"", key);
  const char *found = memmem(data, size, wanted, (size_t)length);
  if (!found) return 0;
  found += length;
  size_t n = 0;
  while (found + n < data + size && found[n] != '"' && n + 1 < room) n++;
  memcpy(out, found, n);
  out[n] = 0;
  return 1;
}

static int read_drive(const char *path) {
  static char data[DRIVE];
  char address[64] = "-", mask[64] = "", name[128] = "-";
  int file = open(path, O_RDONLY);
  size_t size = 0;
  ssize_t n;
  while (file >= 0 && size < sizeof data && (n = read(file, data + size, sizeof data - size)) > 0) size += (size_t)n;
  value(data, size, "ip_address", address, sizeof address);
  value(data, size, "hostname", name, sizeof name);
  struct in_addr bits;
  int prefix = value(data, size, "netmask", mask, sizeof mask) && inet_aton(mask, &bits)
                   ? __builtin_popcount(bits.s_addr) : 24;
  printf("%s/%d %s\n", address, prefix, name);
  return 0;
}

static int bound(int type, int port) {
  int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at)) { perror("vnf"); exit(1); }
  return fd;
}

static long echoes;

static void echo(int fd, const char *name) {
  char question[1500], answer[2048];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n;
  while ((n = recvfrom(fd, question, sizeof question, 0, (struct sockaddr *)&from, &size)) >= 0) {
    int length = snprintf(answer, sizeof answer, "%.*s %s count=%ld uptime=%.3f", (int)n, question, name, ++echoes,
                          uptime());
    sendto(fd, answer, (size_t)length, 0, (struct sockaddr *)&from, size);
    size = sizeof from;
  }
}

static void page(int fd, const char *name) {
  char request[2048], body[256], answer[512];
  if (read(fd, request, sizeof request) > 0) {
    int length = snprintf(body, sizeof body, "%s count=%ld uptime=%.3f\n", name, echoes, uptime());
    int total = snprintf(answer, sizeof answer,
                         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                         "Connection: close\r\n\r\n%s", length, body);
    if (write(fd, answer, (size_t)total) < 0) perror("vnf");
  }
  close(fd);
}

static void take(int listener, struct pollfd *all, double *since) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  for (int i = FIRST; fd >= 0 && i < FIRST + CLIENTS; i++) {
    if (all[i].fd < 0) {
      all[i] = (struct pollfd){fd, POLLIN, 0};
      since[i] = uptime();
      return;
    }
  }
  if (fd >= 0) close(fd);
}

int main(int count, char **words) {
  if (count == 3 && !strcmp(words[1], "--read")) return read_drive(words[2]);
  const char *name = count > 1 ? words[1] : "vnf";
  struct pollfd all[FIRST + CLIENTS];
  double since[FIRST + CLIENTS] = {0};
  for (int i = 0; i < FIRST + CLIENTS; i++) all[i] = (struct pollfd){-1, POLLIN, 0};
  all[0].fd = bound(SOCK_DGRAM, 7);
  all[LISTENER].fd = bound(SOCK_STREAM, 80);
  listen(all[LISTENER].fd, 64);
  for (;;) {
    poll(all, FIRST + CLIENTS, 1000);
    if (all[0].revents) echo(all[0].fd, name);
    for (int i = FIRST; i < FIRST + CLIENTS; i++) {
      if (all[i].fd < 0) continue;
      if (all[i].revents) page(all[i].fd, name);
      else if (uptime() - since[i] > LONGEST_S) close(all[i].fd);
      else continue;
      all[i].fd = -1;
    }
    if (all[LISTENER].revents) take(all[LISTENER].fd, all, since);
  }
}

/* Gives and takes bytes over TCP, as bench/bulk/image does on our side. bench/bulk/__init__.py has the language. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 80

static char piece[65536];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void say(int connection, const char *words)
{
    if (write(connection, words, strlen(words)) < 0)
        perror("write");
}

static void give(int connection, long left)
{
    while (left > 0) {
        ssize_t written = write(connection, piece, left < (long)sizeof piece ? (size_t)left : sizeof piece);
        if (written <= 0)
            return;
        left -= written;
    }
}

static void take(int connection, long left)
{
    say(connection, "go on\n");
    while (left > 0) {
        ssize_t got = read(connection, piece, sizeof piece);
        if (got <= 0)
            return;
        left -= got;
    }
    say(connection, "taken\n");
}

static void serve(int connection)
{
    char command[64];
    long count;
    ssize_t length = read(connection, command, sizeof command - 1);

    if (length <= 0)
        return;
    command[length] = '\0';
    if (sscanf(command, "give %ld", &count) == 1)
        give(connection, count);
    else if (sscanf(command, "take %ld", &count) == 1)
        take(connection, count);
    else
        say(connection, "HTTP/1.1 200 OK\r\n\r\n");
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0)
        fail("listen");
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            fail("accept");
        serve(connection);
        close(connection);
    }
}

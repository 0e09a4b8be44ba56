/* Says to whoever connects which commit it was made of. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	static const char body[] = "HTTP/1.0 200 OK\r\n\r\nshop " REVISION "\n";
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	here.sin_port = htons(count > 1 ? atoi(arguments[1]) : 7000);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 50))
		return 1;
	for (;;) {
		char request[4096];
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		if (read(client, request, sizeof request) < 0 || write(client, body, sizeof body - 1) < 0)
			;
		shutdown(client, SHUT_WR);
		close(client);
	}
}

/*
 * The example of the VROS specification, its two functions as written there, in a program of its own:
 *
 *     riscv64-linux-gnu-gcc -O2 -static -I guest/include -o server_client guest/examples/server_client.c
 *     npx tsx src/boot.ts ./server_client
 *
 * The client sends to port 0, so the server must be the first to create a port. Here one process plays both parts, a thread each; the
 * server never ends by itself, so the program ends once it waits for a second message.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vros.h"

void server_task(void)
{
    // 创建端口
    int port = ipc_create_port();
    
    // 接收消息
    struct ipc_message msg;
    while (1) {
        if (ipc_recv(port, &msg) == 0) {
            // 处理消息
            printf("Received from PID %d: %s\n", 
                   msg.sender_pid, msg.data);
        }
    }
}

void client_task(void)
{
    uint32_t server_port = 0;  // 服务器的端口ID
    
    char message[] = "Hello Server!";
    ipc_send(server_port, 1, message, sizeof(message));
}

static void *server_thread(void *unused)
{
    server_task();
    return unused;
}

int main(void)
{
    pthread_t server;
    struct ipc_port_stat stat;

    pthread_create(&server, NULL, server_thread, NULL);
    while (ipc_port_stat(0, &stat) == -1 || stat.receivers == 0)
        usleep(1000);
    client_task();
    while (ipc_port_stat(0, &stat) == -1 || stat.received == 0 || stat.receivers == 0)
        usleep(1000);
    /* The server waits again, so its message is printed; leaving main ends it. */
    return 0;
}

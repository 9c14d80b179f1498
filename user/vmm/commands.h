/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of the launcher. Each gets the arguments that follow its name
 * and returns the program's exit status.
 */
#ifndef KVPCI_VMM_COMMANDS_H
#define KVPCI_VMM_COMMANDS_H

int command_run(int argc, char **argv);
int command_stat(int argc, char **argv);
int command_info(int argc, char **argv);

#endif /* KVPCI_VMM_COMMANDS_H */

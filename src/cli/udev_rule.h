/* Reading RAPL without root, for good: what `doctor --udev_rule` prints, and share/udev/ holds. */
#ifndef SW_CLI_UDEV_RULE_H
#define SW_CLI_UDEV_RULE_H

#define SW_UDEV_RULE                                                                               \
    "# RAPL energy counters for the group power-meter, and for nobody else (docs/measuring.md).\n" \
    "# Zones appear when the driver is loaded, and again after a reload; each gets its counter's " \
    "group.\n"                                                                                     \
    "ACTION==\"add|change\", SUBSYSTEM==\"powercap\", KERNEL==\"intel-rapl*:*\", "                 \
    "RUN+=\"/bin/sh -c 'chgrp power-meter /sys%p/energy_uj && chmod 0440 /sys%p/energy_uj'\"\n"

/* The group, the rule, and both in force without a reboot; a new login takes the group on. */
#define SW_UDEV_COMMAND                                                                            \
    "sudo groupadd -f -r power-meter && sudo usermod -aG power-meter \"$USER\" && "                \
    "smolwatt doctor --udev_rule | sudo tee /etc/udev/rules.d/70-smolwatt-rapl.rules && "          \
    "sudo udevadm control --reload && sudo udevadm trigger -c change -s powercap   # log in again"

#endif

# Grantwatch: build, test, install. See README.md.
#
# Nothing is ever built as another user than the caller: demo and check build first, and use sudo
# (nothing, for root) only for what has to run as root.

SHELL = /bin/bash
PREFIX = /usr
DESTDIR =
bindir = $(PREFIX)/bin
sbindir = $(PREFIX)/sbin
# Not below PREFIX: grantwatchd looks there for the vendor's agents.
libdir = /usr/lib/grantwatch
mandir = $(PREFIX)/share/man
unitdir = $(PREFIX)/lib/systemd/system
sysusersdir = $(PREFIX)/lib/sysusers.d
actionsdir = $(PREFIX)/share/polkit-1/actions
catalogdir = $(PREFIX)/lib/systemd/catalog
sysconfdir = /etc/grantwatch

SWIFT = swift
SWIFTFLAGS = --explicit-target-dependency-import-check error
BUILD = .build/release
TESTS = .build/debug/grantwatchPackageTests.xctest
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)
SOURCES = Sources Tests Package.swift

.PHONY: all needs needs-all demo check test live service revocations backstop \
  package kernel streams presence march launches kills bench format lint install uninstall clean

all:
	$(SWIFT) build -c release --static-swift-stdlib $(SWIFTFLAGS)

# What Debian has and the build and the demo use, or all checks; does nothing where all is there.
needs:
	Tests/EndToEnd/install-needs
needs-all:
	Tests/EndToEnd/install-needs all

demo: needs
	$(MAKE) all
	$(SUDO) Tests/EndToEnd/demo.sh $(BUILD)

check: needs-all
	$(MAKE) all
	$(MAKE) test
	$(MAKE) live
	$(MAKE) service
	$(MAKE) revocations
	$(MAKE) backstop
	$(MAKE) package
	$(MAKE) kernel
	$(MAKE) streams
	$(MAKE) presence
	$(MAKE) march
	$(MAKE) launches
	$(MAKE) kills
	$(SUDO) Tests/EndToEnd/demo.sh $(BUILD)

# Unit tests, as the caller.
test:
	$(SWIFT) test $(SWIFTFLAGS) --skip LiveTests

# Live tests on the real kernel, as root, one after another; what each kind of grant was played
# through stands as a table behind them. The last one takes the process events
# from everybody who listens, for a moment, and so runs on its own.
live:
	$(SWIFT) build --build-tests $(SWIFTFLAGS)
	$(SUDO) $(TESTS) --testing-library swift-testing --no-parallel --filter LiveTests
	$(SUDO) env GRANTWATCH_TEST_BLINDING=1 $(TESTS) --testing-library swift-testing \
	  --filter BlindedConnectorLiveTests

# A booted Debian with the service installed.
service:
	$(SUDO) Tests/EndToEnd/service.sh $(BUILD)

# Access of every kind, taken back by the service in its sandbox, and put back.
revocations:
	$(SUDO) Tests/EndToEnd/revocations.sh $(BUILD)

# No daemon, and its timer that carries out what falls due.
backstop:
	$(SUDO) Tests/EndToEnd/backstop.sh $(BUILD)

# The Debian package from its build to its purge.
package:
	$(SUDO) Tests/EndToEnd/package.sh $(BUILD)

# Debian's own kernel 6.1 with everything, and a reboot.
kernel:
	$(SUDO) Tests/EndToEnd/kernel.sh $(BUILD)

# The same Debian, where real tools write to a real journal.
streams:
	$(SUDO) Tests/EndToEnd/streams.sh $(BUILD)

# A real polkitd, and passwords that are typed.
presence:
	$(SUDO) Tests/EndToEnd/presence.sh $(BUILD)

# The case of March 2026: an agent's advice, and an employee who follows it.
march:
	$(SUDO) Tests/EndToEnd/march.sh $(BUILD)

# Every road that a command can take, and who is found behind it.
launches:
	$(SUDO) Tests/EndToEnd/launches.sh $(BUILD)

# The daemon killed a hundred times: each signal of the journal stands in the ledger exactly once.
kills:
	$(SUDO) Tests/EndToEnd/kills.sh $(BUILD)

bench:
	$(MAKE) all
	$(SUDO) $(BUILD)/grantwatch-bench $(ARGS)

format:
	$(SWIFT) format --in-place --recursive $(SOURCES)

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)

# Installs what `make` built, and builds nothing. Configuration that is already there is kept.
install:
	@test -x $(BUILD)/grantwatchd || { echo "make: $(BUILD)/grantwatchd: not built, run make first" >&2; exit 1; }
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(sbindir) $(DESTDIR)$(libdir)/agents.d \
	  $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(mandir)/man7 \
	  $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir) \
	  $(DESTDIR)$(catalogdir) $(DESTDIR)$(actionsdir)
	install -s -m 755 $(BUILD)/grantctl $(DESTDIR)$(bindir)/grantctl
	install -s -m 755 $(BUILD)/grantwatchd $(DESTDIR)$(sbindir)/grantwatchd
	for program in grantwatch-notify grantwatch-postgresql; do \
	  install -s -m 755 $(BUILD)/$$program $(DESTDIR)$(libdir)/$$program || exit 1; done
	install -m 644 etc/grantwatch/agents.d/*.conf $(DESTDIR)$(libdir)/agents.d/
	for page in man/*.[1578]; do \
	  install -m 644 "$$page" "$(DESTDIR)$(mandir)/man$${page##*.}/" || exit 1; done
	install -m 644 systemd/grantwatch-backstop.timer $(DESTDIR)$(unitdir)/grantwatch-backstop.timer
	for unit in grantwatchd grantwatch-notify grantwatch-postgresql grantwatch-backstop; do \
	  sed 's|^ExecStart=/usr/sbin/|ExecStart=$(sbindir)/|' systemd/$$unit.service \
	    >$(DESTDIR)$(unitdir)/$$unit.service && \
	  chmod 644 $(DESTDIR)$(unitdir)/$$unit.service || exit 1; done
	install -m 644 systemd/grantwatchd.service.d/enforce.conf $(DESTDIR)$(libdir)/enforce.conf
	install -m 644 systemd/sysusers.d/grantwatch.conf $(DESTDIR)$(sysusersdir)/grantwatch.conf
	install -m 644 systemd/grantwatch.catalog $(DESTDIR)$(catalogdir)/grantwatch.catalog
	install -m 644 systemd/io.grantwatch.policy $(DESTDIR)$(actionsdir)/io.grantwatch.policy
	install -d -m 755 $(DESTDIR)$(sysconfdir) $(DESTDIR)$(sysconfdir)/grantwatch.conf.d \
	  $(DESTDIR)$(sysconfdir)/agents.d $(DESTDIR)$(sysconfdir)/webhooks.d \
	  $(DESTDIR)$(sysconfdir)/recognizers.d $(DESTDIR)$(sysconfdir)/connectors.d
	install -m 644 etc/grantwatch/audit.rules $(DESTDIR)$(sysconfdir)/audit.rules
	for sample in etc/grantwatch/*.d/*.sample; do [ ! -e "$$sample" ] || \
	  install -m 644 "$$sample" "$(DESTDIR)/$$sample" || exit 1; done
	test -e $(DESTDIR)$(sysconfdir)/grantwatch.conf || \
	  install -m 644 etc/grantwatch/grantwatch.conf $(DESTDIR)$(sysconfdir)/grantwatch.conf

# Removes the programs, units and pages. Configuration and the ledger stay: they are the record.
uninstall:
	rm -f $(DESTDIR)$(bindir)/grantctl $(DESTDIR)$(sbindir)/grantwatchd
	rm -rf $(DESTDIR)$(libdir)
	rm -f $(DESTDIR)$(unitdir)/grantwatchd.service $(DESTDIR)$(unitdir)/grantwatch-notify.service \
	  $(DESTDIR)$(unitdir)/grantwatch-postgresql.service \
	  $(DESTDIR)$(unitdir)/grantwatch-backstop.service $(DESTDIR)$(unitdir)/grantwatch-backstop.timer
	rm -f $(DESTDIR)$(sysusersdir)/grantwatch.conf $(DESTDIR)$(catalogdir)/grantwatch.catalog \
	  $(DESTDIR)$(actionsdir)/io.grantwatch.policy
	for page in man/*.[1578]; do \
	  rm -f "$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}"; done

clean:
	rm -rf .build

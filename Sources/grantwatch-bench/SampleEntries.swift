/// What a busy host writes into its journal, in the export format; see
/// https://systemd.io/JOURNAL_EXPORT_FORMATS.
enum SampleEntries {
  /// The fields that every entry has, the time in microseconds since 1970.
  static func common(at time: Int64, monotonic: Int64, pid: Int) -> String {
    "__REALTIME_TIMESTAMP=\(time)\n__MONOTONIC_TIMESTAMP=\(monotonic)\n" + host
      + "_SOURCE_REALTIME_TIMESTAMP=\(time - 100)\n_PID=\(pid)\n"
  }

  private static let host = """
    _BOOT_ID=0123456789abcdef0123456789abcdef
    _MACHINE_ID=fedcba9876543210fedcba9876543210
    _HOSTNAME=bench
    _TRANSPORT=syslog
    PRIORITY=6
    SYSLOG_FACILITY=10
    _CAP_EFFECTIVE=1ffffffffff
    _SYSTEMD_CGROUP=/user.slice/user-1001.slice/session-5.scope
    _SYSTEMD_UNIT=session-5.scope
    _SYSTEMD_SLICE=user-1001.slice
    _AUDIT_LOGINUID=1001
    _AUDIT_SESSION=5

    """

  /// Four tools in turn that tell of access; the account tools work on `tree`, if there is one.
  static func telling(_ number: Int, tree: String? = nil) -> String {
    switch number % 4 {
    case 0:
      "SYSLOG_IDENTIFIER=sudo\n_UID=1001\n_GID=1001\n_COMM=sudo\n_EXE=/usr/bin/sudo\n_CMDLINE=sudo id\n"
        + "MESSAGE=   alice : TTY=pts/1 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id \(number)\n"
    case 1: usermod("-aG g\(number) bob", "add 'bob' to group 'g\(number)'", tree: tree)
    case 2:
      "SYSLOG_IDENTIFIER=gpasswd\n_UID=0\n_GID=0\n_COMM=gpasswd\n_EXE=/usr/bin/gpasswd\n"
        + "_CMDLINE=gpasswd \(tree.map { "-Q \($0) " } ?? "")-a bob g\n"
        + "MESSAGE=user bob added by root to group g\(number)\n"
    default:
      "SYSLOG_IDENTIFIER=sshd\n_UID=0\n_GID=0\n_COMM=sshd\n_EXE=/usr/sbin/sshd\n"
        + "_CMDLINE=sshd: alice [priv]\nMESSAGE=Accepted publickey for u\(number) from 127.0.0.1"
        + " port 4 ssh2: ED25519 SHA256:Pmhl1UdzCGH0pb1HvDoYHLwGd+sLWSgr/CtlMYmfzAc\n"
    }
  }

  static func usermod(_ arguments: String, _ message: String, tree: String? = nil) -> String {
    "SYSLOG_IDENTIFIER=usermod\n_UID=0\n_GID=0\n_COMM=usermod\n_EXE=/usr/sbin/usermod\n"
      + "_CMDLINE=usermod \(tree.map { "-P \($0) " } ?? "")\(arguments)\nMESSAGE=\(message)\n"
  }

  /// What services say.
  static func other(_ number: Int) -> String {
    "SYSLOG_IDENTIFIER=service\(number % 40)\n_UID=\(number % 7)\n_GID=0\n_COMM=service\n"
      + "_EXE=/usr/lib/service/\(number % 40)\n_CMDLINE=service --run\n"
      + "MESSAGE=request \(number) of client \(number % 977) took \(number % 131) ms\n"
  }
}

import ByteText
import LinuxKit
import Scratch
import Testing

/// A line for the stage's journal: fields as in systemd.journal-fields(7).
struct JournalLine {
  var fields: [(String, String)]

  /// A line of a tool; `uid`, `pid` and `exe` as the kernel would say.
  init(
    _ tool: String, _ message: String, uid: UInt32 = 0, pid: Int32 = 70_001, exe: String,
    commandLine: String = "", more: [(String, String)] = []
  ) {
    fields = [
      ("_BOOT_ID", "0123456789abcdef0123456789abcdef"), ("_TRANSPORT", "syslog"),
      ("SYSLOG_IDENTIFIER", tool), ("MESSAGE", message), ("_UID", "\(uid)"), ("_PID", "\(pid)"),
      ("_EXE", exe), ("_CMDLINE", commandLine), ("_CAP_EFFECTIVE", "1ffffffffff"),
    ]
    fields += more
  }
}

extension Stage {
  /// Writes lines into a journal file of their own, all received at `time`, which are new to every
  /// reader.
  func journal(
    _ lines: [JournalLine], at time: Timestamp, in folder: String = "journal"
  ) throws {
    var text = ""
    for (index, line) in lines.enumerated() {
      text += "__REALTIME_TIMESTAMP=\(time.microseconds + Int64(index))\n"
      text += "__MONOTONIC_TIMESTAMP=\(1_000_000 + index)\n"
      for (name, value) in line.fields { text += "\(name)=\(value)\n" }
      text += "\n"
    }
    let name = "lines-\(time.microseconds)"
    scratch.file("out/\(name).export", 0o600, text: text)
    let made = Spawn.runAndWait(
      "/lib/systemd/systemd-journal-remote",
      ["-o", "\(scratch.path)/out/\(name).journal", "\(scratch.path)/out/\(name).export"])
    try #require(made.succeeded)
    // Whole at once, as a rotated file appears.
    scratch.rename("out/\(name).journal", "\(folder)/\(name).journal")
  }

  /// A line of usermod about the stage's tree.
  func usermodLine(
    _ user: String, _ group: String, pid: Int32 = 70_001, more: [(String, String)] = []
  ) -> JournalLine {
    JournalLine(
      "usermod", "add '\(user)' to group '\(group)'", pid: pid, exe: "/usr/sbin/usermod",
      commandLine: "usermod --prefix \(scratch.path)/root -aG \(group) \(user)", more: more)
  }
}

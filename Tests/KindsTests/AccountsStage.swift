import Glibc
import Kinds
import LinuxKit

/// A root with the four account files and no program, and the kind `account` on it.
final class AccountsStage {
  static let passwd = """
    root:x:0:0:root:/root:/bin/bash
    daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
    alice:x:1001:1001::/home/alice:/bin/sh
    bob:x:1002:1002::/home/bob:/usr/sbin/nologin

    """
  static let shadow = """
    root:*:1:0:9:7:::
    daemon:*:1::::::
    alice:$y$j9T$secret$x:1:0:9:7:::
    bob:!$y$j9T$secret$y:1:0:9:7:::

    """

  let path: String
  let kind: Accounts
  private(set) var state: EntryState

  init(
    passwd: String = AccountsStage.passwd, shadow: String = AccountsStage.shadow
  ) throws {
    var template = Array("/tmp/grantwatch-accounts-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    kind = Accounts(root: Array(path.utf8))
    state = EntryState()
    shell("mkdir -p $0/etc $0/root $0/home")
    write("passwd", passwd)
    write("shadow", shadow)
    write("group", "root:x:0:\nusers:x:100:\nalice:x:1001:\nbob:x:1002:\n")
    write("gshadow", "root:*::\nusers:*::\nalice:!::\nbob:!::\n")
    shell("cd $0/etc && chmod 640 shadow gshadow")
    state = try kind.read(previous: nil)
  }

  deinit { shell("rm -rf \"$0\"") }

  @discardableResult func shell(_ script: String) -> String {
    let result = Spawn.runAndWait("/bin/sh", ["-c", script, path])
    return String(decoding: result.output + result.errors, as: UTF8.self)
  }

  func write(_ name: String, _ text: String) {
    _ = Spawn.runAndWait(
      "/bin/sh", ["-c", "cat > \"$0\"", "\(path)/etc/\(name)"], input: Array(text.utf8))
  }

  func content(_ name: String) -> String { shell("cat \"$0/etc/\(name)\"") }

  func line(_ user: String) -> [String] {
    ["passwd", "shadow"].map { file in
      content(file).split(separator: "\n").first { $0.hasPrefix("\(user):") }.map(String.init) ?? ""
    }
  }

  /// Runs a script with these files in the host's /etc, in a mount namespace of its own: for tools
  /// that want PAM and /proc, and for what they do where no root is given.
  @discardableResult func shellOnHost(_ script: String) -> String {
    write("script", script + "\n")
    return shell(
      """
      mkdir $0/ns; unshare -m sh -c '
      mount -t tmpfs none $0/ns && mkdir $0/ns/upper $0/ns/work &&
      mount -t overlay none -o lowerdir=$0/etc:/etc,upperdir=$0/ns/upper,workdir=$0/ns/work /etc ||
      exit 1
      sh /etc/script
      for file in passwd shadow; do
        test ! -e $0/ns/upper/$file || cp -p $0/ns/upper/$file $0/ns/$file
      done
      umount /etc
      for file in passwd shadow; do
        test ! -e $0/ns/$file || cp -p $0/ns/$file $0/etc/$file
      done
      ' "$0"; rmdir $0/ns; rm $0/etc/script
      """)
  }

  /// What a script changed since the last look.
  func look(after script: String = ":") throws -> EntryDifference {
    shell(script)
    let now = try kind.read(previous: state)
    defer { state = now }
    return kind.difference(state, now)
  }

  func revoke(_ gain: EntryGain) -> EntryOutcome {
    kind.revoke(gain, quarantine: Quarantine(directory: "\(path)/quarantine", grant: "g-1"))
  }
}

extension EntryDifference {
  /// `bob login: password`, one a gain.
  var gains: [String] {
    gained.map { "\($0.entry.subject.dropFirst(5)) \($0.entry.right): \($0.entry.value)" }
  }

  var losses: [String] { lost.map { "\($0.subject.dropFirst(5)) \($0.right): \($0.value)" } }
}

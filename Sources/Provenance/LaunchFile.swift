import ByteText

/// A file that tells cron(8), at(1) or systemd(1) what to run.
package struct LaunchFile: Equatable, Sendable {
  /// A folder in which such files lie.
  package struct Folder: Hashable, Sendable {
    enum Holder: Hashable {
      case crontabs, at
      /// Single names only, in a folder of much else.
      case names([String])
      case units(user: Bool)
    }

    /// Below the root of the host.
    package var path: [UInt8]
    var holder: Holder

    /// Its folders hold such files as well: drop-ins, and links that enable units.
    package var isDeep: Bool {
      if case .units = holder { true } else { false }
    }

    init(_ path: String, _ holder: Holder) {
      self.path = Array(path.utf8)
      self.holder = holder
    }

    /// Of the host itself.
    package static let system: [Folder] =
      [Folder("/etc", .names(["crontab", "anacrontab"]))]
      + [
        "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
        "/etc/cron.monthly", "/var/spool/cron/crontabs", "/var/spool/cron",
      ].map { Folder($0, .crontabs) }
      + ["/var/spool/cron/atjobs", "/var/spool/at"].map { Folder($0, .at) }
      + [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
      ].map { Folder($0, .units(user: false)) }
      + [
        "/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user",
        "/usr/lib/systemd/user",
      ].map { Folder($0, .units(user: true)) }

    /// Of an account with this home.
    package static func ofAccount(home: [UInt8]) -> [Folder] {
      ["/.config/systemd/user", "/.local/share/systemd/user"].map { below in
        var folder = Folder(below, .units(user: true))
        folder.path = home + folder.path
        return folder
      }
    }
  }

  var launcher: LaunchRequest.Launcher
  var unit: [UInt8]?
  var isUserUnit = false
  /// It says what is to be run; a link that enables a unit only says that it is.
  var saysWhat = true

  /// `name` is the path below `folder`, without a slash at its begin; nil when it is none that
  /// anything is run from.
  package init?(_ name: [UInt8], in folder: Folder) {
    let parts = name.split(separator: UInt8(ascii: "/"))
    guard let file = parts.last, !Self.isPassing(file) else { return nil }
    switch folder.holder {
    case .crontabs, .at:
      guard parts.count == 1 else { return nil }
      launcher = folder.holder == .at ? .at : .cron
    case .names(let names):
      guard parts.count == 1, names.contains(where: { file.elementsEqual($0.utf8) }) else {
        return nil
      }
      launcher = .cron
    case .units(let user):
      launcher = .unit
      isUserUnit = user
      let holder = parts.count == 2 ? parts[0] : nil
      if let holder, holder.suffix(2).elementsEqual(".d".utf8) {
        unit = Array(LaunchRequest.stem(holder.dropLast(2)))
      } else if parts.count == 1 || holder.map(Self.enables) == true {
        let stem = LaunchRequest.stem(file)
        guard stem.count < file.count else { return nil }
        unit = Array(stem)
        saysWhat = parts.count == 1
      } else {
        return nil
      }
    }
  }

  /// What people call such a file.
  package var noun: String {
    switch launcher {
    case .at: "at job"
    case .unit: isUserUnit ? "user unit" : "unit"
    default: "cron entry"
    }
  }

  private static func enables(_ folder: ArraySlice<UInt8>) -> Bool {
    [".wants", ".requires", ".upholds"].contains { suffix in
      folder.count > suffix.utf8.count
        && folder.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
  }

  /// What editors and crontab(1) write on the way, and nobody runs.
  private static func isPassing(_ name: ArraySlice<UInt8>) -> Bool {
    name.first == UInt8(ascii: ".") || name.last == UInt8(ascii: "~")
      || name.starts(with: "tmp.".utf8)
  }
}

import ByteText

/// Programs that change hosts on their own schedule or on a package's behalf.
package struct Automation: Equatable, Sendable {
  /// Shell patterns for programs, or for the scripts that interpreters run.
  package var programs: [String]
  /// Shell patterns for units and slices.
  package var units: [String]
  /// Shell patterns for the programs that are package managers. Only the program counts, never a
  /// script's name: what a package manager did is not taken back by itself, so that a name must
  /// not be borrowed.
  package var packageManagers: [String]

  package init(programs: [String], units: [String], packageManagers: [String]) {
    self.programs = programs
    self.units = units
    self.packageManagers = packageManagers
  }

  /// What Debian's and Red Hat's tools, and the common configuration managers, are called.
  package static let standard = Automation(
    programs: directories(
      ["/usr/bin/", "/usr/local/bin/"],
      [
        "unattended-upgrade*", "dnf", "dnf-3", "dnf5", "yum", "ansible*", "puppet", "chef-client",
        "cinc-client", "salt-call", "salt-minion",
      ]) + [
        "/usr/lib/apt/apt.systemd.daily", "/opt/puppetlabs/*/bin/puppet", "/opt/chef/*",
        "/opt/saltstack/salt/*",
      ],
    units: [
      "apt-daily.service", "apt-daily-upgrade.service", "unattended-upgrades.service",
      "dnf-automatic*.service", "puppet.service", "chef-client.service", "salt-minion.service",
    ],
    packageManagers: directories(
      ["/usr/bin/", "/bin/"],
      [
        "dpkg", "dpkg-deb", "apt", "apt-get", "aptitude", "rpm", "dnf5", "microdnf", "pacman",
        "apk",
        "zypper",
      ]) + ["/sbin/apk"])

  private static func directories(_ directories: [String], _ names: [String]) -> [String] {
    directories.flatMap { directory in names.map { directory + $0 } }
  }

  /// The automation that a program is: its short name, and whether it is a package manager.
  func match(executable: [UInt8]?, script: ArraySlice<UInt8>?) -> AutomationMatch? {
    if let executable {
      if packageManagers.contains(where: { glob(Array($0.utf8), matches: executable) }) {
        return AutomationMatch(name: baseName(executable[...]), packageManager: true)
      }
      if programs.contains(where: { glob(Array($0.utf8), matches: executable) }) {
        return AutomationMatch(name: baseName(executable[...]), packageManager: false)
      }
    }
    if let script, programs.contains(where: { glob(Array($0.utf8), matches: script) }) {
      return AutomationMatch(name: baseName(script), packageManager: false)
    }
    return nil
  }

  /// The unit on a control group's path that is automation.
  func unit(in controlGroup: [UInt8]) -> String? {
    guard !units.isEmpty else { return nil }
    for part in controlGroup.split(separator: UInt8(ascii: "/"))
    where units.contains(where: { glob(Array($0.utf8), matches: part) }) {
      return escaped(part)
    }
    return nil
  }
}

struct AutomationMatch: Equatable, Sendable {
  var name: String
  var packageManager: Bool
}

/// The last component of a path, escaped and at most 64 bytes of it.
func baseName(_ path: ArraySlice<UInt8>) -> String {
  let name = path.split(separator: UInt8(ascii: "/")).last ?? path
  return escaped(name.prefix(64))
}

internal import ByteText
package import LinuxKit

/// Who has a file open whose access was taken back: what was allowed at open(2) stays allowed.
///
/// Seen are descriptors and running programs; memory that is mapped from a file without a
/// descriptor is not.
package enum FileResidue {
  /// A file as the kernel knows it, by any name.
  package struct File: Hashable, Sendable {
    /// As st_dev of stat(2).
    package var device: UInt64
    package var inode: UInt64

    package init(device: UInt64, inode: UInt64) {
      self.device = device
      self.inode = inode
    }
  }

  /// A process with a file, in all ways in which it has it.
  package struct Holder: Equatable, Sendable {
    package var pid: Int32
    package var access: DescriptorAccess

    package init(pid: Int32, access: DescriptorAccess) {
      self.pid = pid
      self.access = access
    }
  }

  package struct Holders: Equatable, Sendable {
    /// By pid, upward.
    package var byFile: [File: [Holder]] = [:]
    /// False when some process has more descriptors than were looked at.
    package var isWhole = true
  }

  /// Looks once through all processes for any of `files`; the daemon itself is passed over.
  package static func holders(
    of files: Set<File>, processes: ProcessFiles = ProcessFiles(), most: Int = 1 << 16
  ) -> Holders {
    var holders = Holders()
    guard !files.isEmpty else { return holders }
    for pid in processes.processes() where pid != ThisProcess.pid {
      var found: [File: DescriptorAccess] = [:]
      if let program = processes.program(pid) {
        let file = File(device: program.device, inode: program.inode)
        if files.contains(file) { found[file] = .execute }
      }
      let isWhole = processes.eachDescriptor(pid, limit: most) { descriptor, device, inode in
        let file = File(device: device, inode: inode)
        guard files.contains(file), let access = processes.access(pid, descriptor: descriptor)
        else { return }
        found[file, default: []].formUnion(access)
      }
      holders.isWhole = holders.isWhole && isWhole
      for (file, access) in found where !access.isEmpty {
        holders.byFile[file, default: []].append(Holder(pid: pid, access: access))
      }
    }
    return holders
  }

  /// The holders of `files` (by what people call them) whose access is among `access`, as lines:
  /// `process 4711 (cat) still has /srv/data open (read)`.
  package static func residue(
    of files: [File: String], access: DescriptorAccess = [.read, .write, .execute],
    processes: ProcessFiles = ProcessFiles()
  ) -> [Residue] {
    let holders = holders(of: Set(files.keys), processes: processes)
    var lines: [Residue] = []
    var rest: [(pid: Int32, start: UInt64)] = []
    for (file, name) in files.sorted(by: { $0.value < $1.value }) {
      for holder in holders.byFile[file] ?? [] where !holder.access.isDisjoint(with: access) {
        guard let stat = processes.stat(holder.pid) else { continue }
        let process = (pid: holder.pid, start: stat.start)
        guard lines.count < ProcessResidue.mostNamed else {
          if !rest.contains(where: { $0 == process }) { rest.append(process) }
          continue
        }
        let way = holder.access == .execute ? "runs \(name)" : "has \(name) open"
        lines.append(
          Residue(
            "process \(holder.pid) (\(escaped(stat.comm))) still \(way) (\(words(holder.access)))",
            processes: [process]))
      }
    }
    if !rest.isEmpty {
      lines.append(Residue("and \(rest.count) more processes like it", processes: rest))
    }
    if !holders.isWhole {
      lines.append(Residue("some processes have more descriptors than were looked at"))
    }
    return lines
  }

  private static func words(_ access: DescriptorAccess) -> String {
    [(DescriptorAccess.read, "read"), (.write, "write"), (.execute, "execute")]
      .filter { access.contains($0.0) }.map(\.1).joined(separator: " ")
  }
}

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
    /// Who may do what with each file now, where that could be read.
    package var present: [File: FileAccess] = [:]
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
        if files.contains(file) {
          found[file] = .execute
          holders.look(at: file, pid, descriptor: nil, processes)
        }
      }
      let isWhole = processes.eachDescriptor(pid, limit: most) { descriptor, device, inode in
        let file = File(device: device, inode: inode)
        guard files.contains(file), let access = processes.access(pid, descriptor: descriptor)
        else { return }
        found[file, default: []].formUnion(access)
        holders.look(at: file, pid, descriptor: descriptor, processes)
      }
      holders.isWhole = holders.isWhole && isWhole
      for (file, access) in found where !access.isEmpty {
        holders.byFile[file, default: []].append(Holder(pid: pid, access: access))
      }
    }
    return holders
  }

  /// The holders of `files` (by what people call them) whose access is among `access` and is not
  /// what they may open anew, as lines: `process 4711 (cat) still has /srv/data open (read)`.
  ///
  /// What root, the owner and others have without the access that was taken back is none of its
  /// residue. With `changesIdentity` it was setuid or setgid that was taken back: who runs the file
  /// with another identity than its own, or than that of its login, still has it.
  package static func residue(
    of files: [File: String], access: DescriptorAccess = [.read, .write, .execute],
    changesIdentity: Bool = false, processes: ProcessFiles = ProcessFiles()
  ) -> [Residue] {
    let holders = holders(of: Set(files.keys), processes: processes)
    var lines: [Residue] = []
    var rest: [(pid: Int32, start: UInt64)] = []
    for (file, name) in files.sorted(by: { $0.value < $1.value }) {
      for holder in holders.byFile[file] ?? [] where !holder.access.isDisjoint(with: access) {
        if let present = holders.present[file], let who = processes.credentials(holder.pid) {
          var allowed = present.allows(who)
          if changesIdentity, hasOther(who, processes.loginUID(holder.pid), than: present) {
            allowed.remove(.execute)
          }
          if holder.access.intersection(access).isSubset(of: allowed) { continue }
        }
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

  /// True for a process with another identity than the one it began with.
  private static func hasOther(
    _ who: ProcessCredentials, _ loginUID: UInt32?, than file: FileAccess
  ) -> Bool {
    Set(who.uids).count > 1 || Set(who.gids).count > 1
      || (who.uids.contains(file.uid) && loginUID.map { $0 != file.uid } == true)
  }

  private static func words(_ access: DescriptorAccess) -> String {
    [(DescriptorAccess.read, "read"), (.write, "write"), (.execute, "execute")]
      .filter { access.contains($0.0) }.map(\.1).joined(separator: " ")
  }
}

extension FileResidue.Holders {
  fileprivate mutating func look(
    at file: FileResidue.File, _ pid: Int32, descriptor: Int32?, _ processes: ProcessFiles
  ) {
    guard present[file] == nil, let opened = processes.opened(pid, descriptor: descriptor),
      let status = try? FileStatus.of(opened.raw), status.inode == file.inode,
      let attributes = try? AccessAttributes.of(opened.raw)
    else { return }
    present[file] = FileAccess(status, attributes)
  }
}

extension FileAccess {
  /// What the kernel lets a process do that has no capabilities, by its file system ids; all for
  /// root. See acl(5), access check algorithm.
  fileprivate func allows(_ who: ProcessCredentials) -> DescriptorAccess {
    DescriptorAccess(bits: bits(for: who.uids[3], Set(who.groups + [who.gids[3]])))
  }

  private func bits(for uid: UInt32, _ groups: Set<UInt32>) -> UInt8 {
    if uid == 0 { return 7 }
    if uid == self.uid { return UInt8(mode >> 6 & 7) }
    if let named = list?.effective(.user(uid)) { return named }
    var found: UInt8?
    if groups.contains(gid) { found = owningGroup }
    for group in groups {
      if let named = list?.effective(.group(group)) { found = (found ?? 0) | named }
    }
    return found ?? other
  }
}

extension DescriptorAccess {
  /// From the bits of a mode: read 4, write 2, execute 1.
  fileprivate init(bits: UInt8) {
    self = []
    if bits & 4 != 0 { insert(.read) }
    if bits & 2 != 0 { insert(.write) }
    if bits & 1 != 0 { insert(.execute) }
  }
}

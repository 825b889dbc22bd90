internal import ByteText
internal import LinuxKit

extension GroupState {
  /// The state that the lines of the three files make together.
  init(groups lines: [GroupLine], shadows: [GroupShadowLine], users userLines: [UserLine]) {
    self.init()
    var names: [UInt32: [String]] = [:]
    for line in lines {
      let name = escaped(line.name)
      if groups[name] == nil { groups[name] = line.gid }
      if !(names[line.gid, default: []].contains(name)) {
        names[line.gid, default: []].append(name)
      }
    }
    func enter(_ member: [UInt8], _ group: String, gid: UInt32?) {
      let user = escaped(member)
      for alias in gid.flatMap({ names[$0] }) ?? [group] {
        memberships.insert(Membership(user: user, group: alias, primary: false))
      }
    }
    for line in lines {
      for member in line.members { enter(member, escaped(line.name), gid: line.gid) }
    }
    // A line for a group that does not exist lets nobody in.
    for line in shadows {
      let name = escaped(line.name)
      guard let gid = groups[name] else { continue }
      for member in line.members { enter(member, name, gid: gid) }
    }
    for line in userLines {
      let name = escaped(line.name)
      guard users[name] == nil else { continue }
      users[name] = Account(uid: line.uid, gid: line.gid, home: line.home, shell: line.shell)
      for group in names[line.gid] ?? [String(line.gid)] {
        memberships.insert(Membership(user: name, group: group, primary: true))
      }
    }
  }
}

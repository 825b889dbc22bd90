/// Texts for the grammar of changes, of a given size.
enum GrammarSamples {
  /// A forum answer or an agent's message: prose, inline code, one block of code.
  static func prose(bytes: Int) -> String {
    var text = ""
    var number = 0
    while text.utf8.count < bytes {
      number += 1
      text += """
        The export of job \(number) fails because the service account cannot read the folder below
        `/srv/data\(number)`. That happens when the unit was started before the mount came up, and
        the daemon then creates the folder with its own umask. Look at `journalctl -u export` and
        `namei -l /srv/data\(number)/in` first; what you want to see is an owner who may write.

        If the log says nothing, restart the unit and watch it:

        ```bash
        sudo systemctl restart export@\(number)
        journalctl -fu export@\(number) --since "5 min ago"
        df -h /srv && ls -l /srv/data\(number)
        ```

        Everything else in the report is as it should be: the queue is short, the disk has room, and
        the certificate is good until spring. In case that it does not help, open the folder:

        ```bash
        # the group is enough
        sudo chmod -R g+rX /srv/data\(number % 40)
        ```

        - Check the mount with `findmnt /srv`, and that the time is right.
        - Then tell me what `id export` prints; we will see from there.

        Regards, and good luck with the migration on Monday!


        """
    }
    return text
  }

  /// A script of operations in which few commands are about access.
  static func script(bytes: Int) -> String {
    var text = ""
    var number = 0
    while text.utf8.count < bytes {
      number += 1
      text += """
        systemctl stop app\(number).service
        rsync -a --delete /srv/app\(number)/ backup:/srv/app\(number)/
        tar czf /var/backups/app-$(date +%F)-\(number).tgz /srv/app\(number) 2>/dev/null
        apt-get install -y nginx postgresql-client-\(number % 9) && systemctl enable nginx
        if ! grep -q "app\(number)" /etc/hosts; then echo "10.0.0.\(number % 255) app\(number)" >> /etc/hosts; fi
        sudo chown -R app\(number % 40):app /srv/app\(number % 40)
        curl -fsS https://app\(number).example/health | jq .status
        systemctl start app\(number).service

        """
    }
    return text
  }

  /// Nothing but commands that give access, few of them different.
  static func dense(bytes: Int) -> String {
    var text = ""
    var number = 0
    while text.utf8.count < bytes {
      number += 1
      let n = number % 20
      text += """
        sudo chmod -R g+rwX /srv/data/project\(n)
        sudo usermod -aG docker,adm user\(n)
        setfacl -m u:user\(n):rwx /srv/data/project\(n)
        echo 'user\(n) ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/user\(n)

        """
    }
    return text
  }
}

#!/bin/sh
# Install the Debian packages that the test wiki needs, where that is allowed (root, apt); quiet, repeatable.
# With --check nothing is installed. Ends with 0 when the wiki can be brought up, 1 when not: then it says
# what is missing and the command.
set -u
packages="mediawiki php-cli php-sqlite3 php-mbstring php-xml php-intl"
web_server="micro-httpd php-cgi"  # satisfy mediawiki's own dependencies without pulling in Apache

ready() {
    [ -f "${MEDIAWIKI_ROOT:-/usr/share/mediawiki}/maintenance/install.php" ] || return 1
    command -v php >/dev/null || return 1
    php -r 'exit(extension_loaded("pdo_sqlite") && extension_loaded("mbstring") && extension_loaded("xmlreader") && extension_loaded("intl") ? 0 : 1);'
}

ready && exit 0
if [ "${1:-}" != --check ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $packages (about 45 MB)" >&2
    log=$(mktemp)
    if { apt-get update -qq &&
         DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages $web_server; } >"$log" 2>&1
    then rm -f "$log"; else tail -n 5 "$log" >&2; rm -f "$log"; fi
fi
ready && exit 0
echo "the test wiki needs: $packages" >&2
echo "install with: sudo apt-get install --no-install-recommends $packages $web_server" >&2
exit 1

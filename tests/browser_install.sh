#!/bin/sh
# Install Chromium and a CJK font for the tests that look at pages, where that is allowed; quiet, repeatable.
# Ends with 0 when a browser is there, 1 when not: then it says what is missing and the command.
set -u
packages="chromium fonts-wqy-zenhei"

ready() { command -v chromium >/dev/null; }

ready && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $packages (about 120 MB)" >&2
    log=$(mktemp)
    if { apt-get update -qq &&
         DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >"$log" 2>&1
    then rm -f "$log"; else tail -n 5 "$log" >&2; rm -f "$log"; fi
fi
ready && exit 0
echo "the page tests need: $packages" >&2
echo "install with: sudo apt-get install --no-install-recommends $packages" >&2
exit 1

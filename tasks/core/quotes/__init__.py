"""The daily quotes of all markets: B3's COTAHIST files, and what is made of them."""

MONTH_DAY_FORMAT = "n月j日"  # 9月5日; the framework says 09月5日
